"""What customers want to be told of besides their orders."""

from chassis.context import Context
from chassis.http import Answer, Body, Caller, Router, current_service, request_context, signed_in
from chassis.rows import Put
from chassis.service import Service
from fastapi import Depends
from pydantic import ConfigDict, StrictBool

from notification.tables import preferences

router = Router(prefix="/api/v1", tags=["Notifications"])

EXAMPLE = ConfigDict(json_schema_extra={"examples": [{"abandoned_cart": True}]})
MINE = "select abandoned_cart from preferences where customer_id = $1"


class PreferencesBody(Body):
    """What is left out stays as it is."""

    model_config = EXAMPLE

    abandoned_cart: StrictBool | None = None


class PreferencesAnswer(Answer):
    """``abandoned_cart``: a mail about a cart that was left for a day. Off until it is asked for."""

    model_config = EXAMPLE

    abandoned_cart: bool


@router.get(
    "/notifications/preferences",
    operation_id="get_notification_preferences",
    summary="What you want to be told of",
)
async def get_notification_preferences(
    caller: Caller = Depends(signed_in), service: Service = Depends(current_service)
) -> PreferencesAnswer:
    """News of your orders always comes."""
    return PreferencesAnswer(abandoned_cart=bool(await service.database.pool.fetchval(MINE, caller.user_id)))


@router.patch(
    "/notifications/preferences",
    operation_id="change_notification_preferences",
    summary="Change what you want to be told of",
)
async def change_notification_preferences(
    body: PreferencesBody,
    caller: Caller = Depends(signed_in),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> PreferencesAnswer:
    """From now on; what is on its way still comes."""
    if body.abandoned_cart is not None:
        row = {"customer_id": caller.user_id, "abandoned_cart": body.abandoned_cart}
        async with service.unit(context) as unit:
            unit.put(Put(preferences, {**row, "updated_at": unit.now}))
    return await get_notification_preferences(caller, service)
