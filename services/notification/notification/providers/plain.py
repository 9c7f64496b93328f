"""Any gateway that takes JSON over HTTP: ``{"to", "text", "id"}``, with a bearer token. The same id, the same message.

Its answer may name the message, ``{"id"}``: that is kept for whoever asks its operators. Its reports name it by ours.
"""

from typing import Any, Final

import httpx

from notification.mail import SECONDS, Refused
from notification.providers.port import NotTaken, Sms
from notification.settings import Settings

LONGEST: Final = 200


class PlainGateway:
    """The gateway at ``SMS_GATEWAY_URL``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, sms: Sms, name: str) -> str | None:
        """See Provider."""
        token = self._settings.sms_gateway_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"to": sms.to, "text": sms.text, "id": sms.id}
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(self._settings.sms_gateway_url, json=body, headers=headers)
        if answer.status_code in (400, 422):
            raise Refused(str(answer.status_code))
        if not answer.is_success:
            raise NotTaken(f"status {answer.status_code}")
        return _named(answer)


def _named(answer: httpx.Response) -> str | None:
    try:
        said: Any = answer.json()
        return str(said["id"])[:LONGEST]
    except (ValueError, KeyError, TypeError):
        return None
