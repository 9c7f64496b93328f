"""What providers report of messages: delivered, failed, bounced. Whoever knows the secret path may say so.

So what is said is kept and shown, and decides nothing. A report about a message that is not known here is taken and
dropped: sent again it would be no better known, and nobody learns by guessing which messages there are.
"""

import hmac
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from chassis.http import (
    MALFORMED,
    NOT_FOUND,
    Answer,
    Body,
    Caller,
    Problem,
    Router,
    body_limit,
    current_service,
    invalid,
    problems,
    unguarded,
)
from chassis.service import Service
from fastapi import Depends, Path, Request
from pydantic import ConfigDict, StringConstraints

from notification import delivery
from notification.delivery import Delivery, Report
from notification.domain import EMAIL, SMS
from notification.providers.africastalking import read_report
from notification.settings import Settings

router = Router(prefix="/api/v1/notifications/reports", tags=["Notifications"])

FIELDS = 20
LONGEST = 200

Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
Reason = Annotated[str, StringConstraints(max_length=1000)]


class ReportedAnswer(Answer):
    """It was read; no more than that."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"received": True}]})

    received: bool = True


class MailReport(Body):
    """What became of a mail. ``message_id`` is its Message-ID, with or without its angle brackets."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message_id": "<0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6@soko.example>",
                    "status": "bounced",
                    "reason": "550 5.1.1 no such mailbox",
                }
            ]
        }
    )

    message_id: Id
    status: Literal["delivered", "bounced", "complained"]
    reason: Reason | None = None


class SmsReport(Body):
    """What became of an SMS. ``id`` is the one that it was posted with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6", "status": "failed", "reason": "the phone is off"}
            ]
        }
    )

    id: Id
    status: Literal["delivered", "failed"]
    reason: Reason | None = None


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "description": "As Africa's Talking writes it.",
                    "examples": [
                        {
                            "id": "ATXid_1",
                            "status": "Failed",
                            "phoneNumber": "+254700000001",
                            "networkCode": "63902",
                            "failureReason": "UserDoesNotExist",
                            "retryCount": "0",
                        }
                    ],
                }
            }
        },
    }
}


async def reporter(
    secret: Annotated[str, Path(description="What DELIVERY_REPORTS_SECRET says.")],
    caller: Caller = Depends(unguarded),
    service: Service = Depends(current_service),
) -> Service:
    """The service, for whoever knows the secret; 404 for all others."""
    assert isinstance(service.settings, Settings)
    known = service.settings.delivery_reports_secret.get_secret_value()
    if not known or not hmac.compare_digest(known.encode(), secret.encode()):
        raise Problem(NOT_FOUND)
    return service


@router.post(
    "/africastalking/{secret}",
    operation_id="receive_africastalking_report",
    summary="Receive a delivery report of Africa's Talking",
    responses=problems(NOT_FOUND, MALFORMED),
    openapi_extra={**FORM, **body_limit(16 * 1024)},
)
async def receive_africastalking_report(request: Request, service: Service = Depends(reporter)) -> ReportedAnswer:
    """Set it as the callback URL of SMS delivery reports. The first final status stays."""
    form = _form(await request.body())
    for name in ("id", "status"):
        if not 1 <= len(form.get(name, "")) <= LONGEST:
            raise invalid(f"/{name}", f"must have 1 to {LONGEST} characters")
    if report := read_report(form):
        await delivery.note(service, delivery.BY_THEIR_ID, form["id"], SMS, report, service.world.clock())
    return ReportedAnswer()


@router.post(
    "/gateway/{secret}",
    operation_id="receive_gateway_report",
    summary="Receive a delivery report of the SMS gateway",
    responses=problems(NOT_FOUND),
)
async def receive_gateway_report(body: SmsReport, service: Service = Depends(reporter)) -> ReportedAnswer:
    """For what is behind SMS_GATEWAY_URL. The first one stays."""
    report = Report(Delivery(body.status), body.reason)
    await delivery.note(service, delivery.BY_OUR_ID, body.id, SMS, report, service.world.clock())
    return ReportedAnswer()


@router.post(
    "/mail/{secret}",
    operation_id="receive_mail_report",
    summary="Receive word of a mail: delivered, bounced, complained of",
    responses=problems(NOT_FOUND),
)
async def receive_mail_report(body: MailReport, service: Service = Depends(reporter)) -> ReportedAnswer:
    """For a mail provider's webhook, mapped to this. What came back, or was complained of, stays so."""
    id_ = body.message_id.strip("<> ").partition("@")[0]
    report = Report(Delivery(body.status), body.reason)
    await delivery.note(service, delivery.BY_OUR_ID, id_, EMAIL, report, service.world.clock())
    return ReportedAnswer()


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise Problem(MALFORMED, f"The body is not a form of {FIELDS} fields at most.") from None
