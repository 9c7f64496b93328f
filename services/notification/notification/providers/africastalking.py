"""Africa's Talking: how it is asked to carry an SMS, and what its reports of one say."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from notification.delivery import Delivery, Report
from notification.mail import SECONDS, Refused
from notification.providers.port import NotTaken, Sms
from notification.settings import Settings

LIVE, SANDBOX = "https://api.africastalking.com", "https://api.sandbox.africastalking.com"
TAKEN: Final = frozenset({100, 101, 102})
"""Processed, sent, queued."""
NEVER: Final = frozenset({403, 404, 406, 409})
"""No such number, a kind of number that gets none, or one that wants none. All else may go better later."""
ENDED: Final = frozenset({"Failed", "Rejected", "AbsentSubscriber", "Expired"})
"""What is not delivered any more. Sent, Submitted and Buffered are on their way, which is no news."""


class AfricasTalking:
    """Its live host, its sandbox for the username ``sandbox``, or the one that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, sms: Sms, name: str) -> str | None:
        """See Provider."""
        settings, username = self._settings, self._settings.africastalking_username
        host = settings.africastalking_url or (SANDBOX if username == "sandbox" else LIVE)
        form = {"username": username, "to": sms.to, "message": sms.text}
        if settings.africastalking_sender:
            form["from"] = settings.africastalking_sender
        headers = {"apiKey": settings.africastalking_api_key.get_secret_value(), "Accept": "application/json"}
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(f"{host}/version1/messaging", data=form, headers=headers)
        if not answer.is_success:
            raise NotTaken(f"status {answer.status_code}")
        code, id_ = _became(answer)
        if code in NEVER:
            raise Refused(str(code))
        if code not in TAKEN:
            raise NotTaken(f"code {code}")
        return id_


def _became(answer: httpx.Response) -> tuple[int, str | None]:
    """What became of the one recipient, 0 where nothing is said of it; and what the message is called there."""
    try:
        recipient: Any = answer.json()["SMSMessageData"]["Recipients"][0]
        code, id_ = int(recipient["statusCode"]), recipient.get("messageId")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return 0, None
    return code, str(id_) if id_ and id_ != "None" else None


def read_report(form: Mapping[str, str]) -> Report | None:
    """What a delivery report says of the message ``id``; None while it is on its way."""
    status = form["status"]
    if status == "Success":
        return Report(Delivery.DELIVERED)
    return Report(Delivery.FAILED, form.get("failureReason") or status) if status in ENDED else None
