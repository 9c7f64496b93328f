"""The link at the end of a mail: a page with a button, and what the button does.

Scanners follow every link of a mail, so following it changes nothing. Mail programs press the button themselves
(RFC 8058, one click): without a login, without the page, and with a body that says nothing new.
"""

from typing import Annotated, Any

from chassis.confiding import NotConfided
from chassis.context import Context
from chassis.http import Caller, Router, current_service, invalid, request_context, unguarded
from chassis.rows import Put
from chassis.service import Service
from fastapi import Depends, Query
from fastapi.responses import HTMLResponse

from notification.rendering import spoken_in
from notification.settings import Settings
from notification.tables import preferences
from notification.topics import DEFAULTS
from notification.unsubscribing import Unsubscribing, unsubscribing

router = Router(prefix="/api/v1", tags=["Notifications"])

Token = Annotated[
    str,
    Query(min_length=1, max_length=400, description="From the mail.", examples=["Z3Vlc3Q.c2lnbmVkIGJ5IHRoZSBzaG9w"]),
]
ONE_CLICK: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "examples": [{"List-Unsubscribe": "One-Click"}]}
            }
        },
    }
}


async def asked_for(token: Token, service: Service = Depends(current_service)) -> Unsubscribing:
    """What the link was made for. Raises 422 for one that this shop did not make."""
    assert isinstance(service.settings, Settings)
    try:
        return unsubscribing(service.settings, token)
    except NotConfided:
        raise invalid("/query/token", "is not one that this shop sent: take the whole link") from None


@router.get(
    "/notifications/unsubscribe",
    operation_id="show_unsubscribe_page",
    summary="The page that a mail's link leads to",
    response_class=HTMLResponse,
)
async def show_unsubscribe_page(
    caller: Caller = Depends(unguarded), asked: Unsubscribing = Depends(asked_for)
) -> HTMLResponse:
    """Nothing changes before its button is pressed."""
    return _page(asked, done=False)


@router.post(
    "/notifications/unsubscribe",
    operation_id="unsubscribe",
    summary="Get no more mails like this one",
    response_class=HTMLResponse,
    openapi_extra=ONE_CLICK,
)
async def unsubscribe(
    caller: Caller = Depends(unguarded),
    asked: Unsubscribing = Depends(asked_for),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> HTMLResponse:
    """For whoever has the mail; pressed again it changes nothing. `PATCH /notifications/preferences` takes it back."""
    if (asked.topic, asked.channel) in DEFAULTS:
        async with service.unit(context) as unit:
            key = {"customer_id": asked.who, "topic": asked.topic, "channel": asked.channel}
            unit.put(Put(preferences, {**key, "wanted": False, "updated_at": unit.now}))
    return _page(asked, done=True)


def _page(asked: Unsubscribing, *, done: bool) -> HTMLResponse:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(spoken_in(asked.language).page("unsubscribe", topic=asked.topic, done=done), headers=headers)
