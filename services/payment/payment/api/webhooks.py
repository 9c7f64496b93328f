"""What providers tell by themselves.

A webhook is kept by deciding it: its news are events before the provider is told 2xx. So nothing else remembers
deliveries; one that comes twice, or late, is no news any more, and one that cannot be kept is sent again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from chassis import telemetry
from chassis.context import Context
from chassis.http import (
    MALFORMED,
    NOT_FOUND,
    Problem,
    Router,
    current_service,
    problem_type,
    problems,
    request_context,
    unguarded,
)
from chassis.service import Service
from fastapi import Depends, Request

from payment import views
from payment.api.models import ReceivedAnswer
from payment.api.reading import offered_providers
from payment.calls import sealed
from payment.domain.commands import Report
from payment.domain.rules import payment
from payment.providers.cardsim import SIGNATURE
from payment.providers.port import Notice, Provider, Unreadable, Unsigned
from payment.settings import Settings

router = Router(prefix="/api/v1", tags=["Payments"])

NOT_SIGNED = problem_type(
    "webhook-signature",
    401,
    "The signature is not valid",
    when="A webhook is not signed with the shared secret, or was signed too long ago.",
    client="Sign the body as it is sent, with the time of sending, and check the clock.",
    headers=("WWW-Authenticate",),
)
NOT_OURS = problem_type(
    "webhook-unknown-payment",
    404,
    "Nobody asked for this payment",
    when="A webhook tells of a payment that is not known here; unknown lists them. The others are kept.",
    client="Send it again later; a reconciliation shows what stays unknown.",
)

DELIVERY: dict[str, Any] = {
    "parameters": [
        {
            "name": SIGNATURE,
            "in": "header",
            "required": False,
            "description": "The simulated card gateway's: the time, and the HMAC-SHA256 of `<t>.<body>`, in hex.",
            "schema": {"type": "string", "maxLength": 200, "examples": [f"t=1772366400,v1={'5257a869e7ecebed' * 4}"]},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "As the provider writes it; shown is the simulated one's.",
                    "examples": [
                        {
                            "id": "whd_1",
                            "events": [
                                {
                                    "id": "evt_1",
                                    "charge": {
                                        "id": "ch_1",
                                        "reference": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7",
                                        "status": "captured",
                                        "revision": 3,
                                        "captured": 524800,
                                    },
                                }
                            ],
                        }
                    ],
                }
            }
        },
    },
}
"""Each provider signs and writes in its own way: the document tells what the route itself only hands on."""


@router.post(
    "/payments/webhooks/{provider}",
    operation_id="receive_payment_webhook",
    summary="Receive a provider's webhook",
    responses=problems(NOT_SIGNED, NOT_OURS),
    openapi_extra=DELIVERY,
    dependencies=[Depends(unguarded)],
)
async def receive_payment_webhook(
    provider: str,
    request: Request,
    providers: Mapping[str, Provider] = Depends(offered_providers),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
) -> ReceivedAnswer:
    """Signed by the provider. Anything but 2xx means that it is not kept, and has to be sent again."""
    notices = _read(_named(provider, providers), request.headers, await request.body(), service)
    known = await _revisions(service, notices)
    assert isinstance(service.settings, Settings)
    traces = await telemetry.of_streams(service, {payment.name(payment_id) for payment_id in known})
    for notice in notices:
        revision = known.get(notice.payment_id)
        charge = notice.heard.charge
        if revision is None or (charge.revision and charge.revision <= revision):
            continue
        news = await sealed(service, notice.payment_id, notice.heard)
        report = Report(news, service.world.clock(), service.settings.ask_after)
        trace = traces.get(payment.name(notice.payment_id))
        with telemetry.going_on(service.name, f"webhook {provider}", context, trace) as told:
            await service.execute(payment, notice.payment_id, report, told)
    if unknown := sorted({notice.payment_id for notice in notices} - known.keys()):
        raise Problem(NOT_OURS, unknown=unknown)
    return ReceivedAnswer(received=len(notices))


def _named(name: str, providers: Mapping[str, Provider]) -> Any:
    for provider in providers.values():
        if provider.name == name and hasattr(provider, "read_webhook"):
            return provider
    raise Problem(NOT_FOUND, f"No provider {name} sends webhooks here.")


def _read(provider: Any, headers: Mapping[str, str], body: bytes, service: Service) -> Sequence[Notice]:
    try:
        notices: Sequence[Notice] = provider.read_webhook(headers, body, service.world.clock())
    except Unsigned as no:
        raise Problem(NOT_SIGNED, str(no), headers={"WWW-Authenticate": f'Signature realm="{provider.name}"'}) from None
    except Unreadable as no:
        raise Problem(MALFORMED, f"The delivery cannot be read: {no}.") from None
    return notices


async def _revisions(service: Service, notices: Sequence[Notice]) -> dict[str, int]:
    """How far each payment's provider has been heard: most of what a webhook says, the call's answer said before."""
    ids = list({notice.payment_id for notice in notices})
    return {row["id"]: row["revision"] for row in await service.database.pool.fetch(views.REVISIONS, ids)}
