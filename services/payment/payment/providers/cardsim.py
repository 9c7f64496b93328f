"""The simulated card gateway, as a payment sees it: a provider with idempotency keys, webhooks and a ledger."""

import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import orjson
from chassis.http import PeerAnswer, Peers
from pydantic import BaseModel, Field, ValidationError

from payment.domain.commands import Charge, ChargeRefund
from payment.providers.port import Attempt, Denied, Heard, Movement, Notice, Unreadable, Unsigned

PEER = "cardsim"
SIGNATURE = "cardsim-signature"
PAGE = 1000


class ChargeRefundBody(BaseModel):
    """A refund, as the gateway shows it."""

    id: str
    amount: int
    status: Literal["pending", "succeeded", "failed"]
    reason: str | None = None


class NextActionBody(BaseModel):
    """Where the payer has to go."""

    type: Literal["redirect"]
    url: str


class ChargeBody(BaseModel):
    """A charge, as the gateway shows it."""

    id: str
    reference: str
    status: Literal["pending", "requires_action", "authorised", "captured", "voided", "failed"]
    revision: Annotated[int, Field(ge=1)]
    captured: Annotated[int, Field(ge=0)]
    refunds: tuple[ChargeRefundBody, ...] = ()
    reason: str | None = None
    next_action: NextActionBody | None = None

    def heard(self) -> Heard:
        """The same in a payment's words."""
        action = self.next_action
        charge = Charge(
            status=self.status,
            charge_id=self.id,
            revision=self.revision,
            captured=self.captured,
            refunds=tuple(ChargeRefund(each.id, each.amount, each.status, each.reason) for each in self.refunds),
            reason=self.reason,
            action=action.type if action else None,
        )
        return Heard(charge, action.model_dump() if action else None)


class EventBody(BaseModel):
    """One thing that happened to a charge."""

    id: str
    charge: ChargeBody


class WebhookBody(BaseModel):
    """A delivery: one event or several, about any charges, in no promised order."""

    id: str
    events: Annotated[tuple[EventBody, ...], Field(min_length=1)]


class CardSim:
    """``peers`` knows the gateway as ``cardsim``. ``return_url`` may hold ``{order_id}`` and ``{payment_id}``."""

    name = "cardsim"
    keyed = True

    def __init__(
        self, peers: Peers, *, api_key: str, webhook_secret: str, tolerance: timedelta, return_url: str
    ) -> None:
        self._peers, self._api_key, self._secret = peers, api_key, webhook_secret.encode()
        self._tolerance, self._return_url = tolerance, return_url

    async def authorise(self, attempt: Attempt, key: str) -> Heard:
        """A charge of the card behind the token."""
        back = self._return_url.format(order_id=attempt.order_id or "", payment_id=attempt.payment_id)
        body = {
            "reference": attempt.payment_id,
            "amount": attempt.amount,
            "currency": attempt.currency,
            "token": attempt.token or "",
            "description": attempt.number,
            "return_url": back,
        }
        return await self._post("/charges", body, key)

    async def capture(self, attempt: Attempt, amount: int, receipt: str | None, key: str) -> Heard:
        """Take the money."""
        return await self._post(f"/charges/{await self._charge(attempt)}/capture", {"amount": amount}, key)

    async def void(self, attempt: Attempt, key: str) -> Heard:
        """Cancel the charge."""
        charge_id = attempt.charge_id or (await self.ask(attempt)).charge.charge_id
        if charge_id is None:
            return Heard(Charge("missing"))
        return await self._post(f"/charges/{quote(charge_id)}/void", {}, key)

    async def refund(self, attempt: Attempt, refund_id: str, amount: int, key: str) -> Heard:
        """Money back to the card."""
        body = {"refund_id": refund_id, "amount": amount}
        return await self._post(f"/charges/{await self._charge(attempt)}/refund", body, key)

    async def ask(self, attempt: Attempt) -> Heard:
        """The charge as it stands, found by the payment's id."""
        answer = await self._get("/charges", reference=attempt.payment_id)
        for item in answer["items"]:
            return ChargeBody.model_validate(item).heard()
        return Heard(Charge("missing"))

    async def movements(self, after: datetime, before: datetime) -> AsyncIterator[Movement]:
        """The gateway's ledger."""
        cursor = 0
        while True:
            window = {"after": after.isoformat(), "before": before.isoformat()}
            page = await self._get("/movements", **window, cursor=str(cursor), limit=str(PAGE))
            for item in page["items"]:
                cursor = item["id"]
                if item["kind"] != "authorisation":
                    at = datetime.fromisoformat(item["at"])
                    yield Movement(item["reference"], item["kind"], item["refund_id"], item["amount"], at)
            if len(page["items"]) < PAGE:
                return

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Notice]:
        """Signed ``t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">``, not longer ago than is tolerated."""
        fields = dict(part.strip().partition("=")[::2] for part in headers.get(SIGNATURE, "").split(","))
        sent, signature = fields.get("t", ""), fields.get("v1", "")
        expected = hmac.new(self._secret, f"{sent}.".encode() + body, sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Unsigned("The signature is not the gateway's.")
        if not sent.isdecimal() or abs(now.timestamp() - int(sent)) > self._tolerance.total_seconds():
            raise Unsigned("The signature is too old, or of the future.")
        try:
            delivery = WebhookBody.model_validate_json(body)
        except ValidationError as error:
            raise Unreadable(f"{error.error_count()} members are missing or wrong") from None
        return [Notice(event.charge.reference, event.charge.heard()) for event in delivery.events]

    async def _charge(self, attempt: Attempt) -> str:
        charge_id = attempt.charge_id or (await self.ask(attempt)).charge.charge_id
        if charge_id is None:
            raise Denied("charge_missing", Charge("missing"))
        return quote(charge_id)

    async def _post(self, path: str, body: Mapping[str, Any], key: str) -> Heard:
        headers = {**self._authorised(), "Idempotency-Key": key}
        answer = await self._peers.post(PEER, path, body, headers=headers)
        found = orjson.loads(answer.body)
        if answer.ok:
            return ChargeBody.model_validate(found).heard()
        raise _denied(answer, found)

    async def _get(self, path: str, **query: str) -> Any:
        answer = await self._peers.get(PEER, f"{path}?{urlencode(query)}", headers=self._authorised())
        if not answer.ok:
            raise _denied(answer, orjson.loads(answer.body))
        return orjson.loads(answer.body)

    def _authorised(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"}


class Misconfigured(Exception):
    """The gateway does not know us: nothing is known of the charge, so the call is made again."""


def _denied(answer: PeerAnswer, found: Any) -> Exception:
    """A no, unless it is about us and not about the charge."""
    if answer.status in (401, 403, 429):
        return Misconfigured(f"the card gateway answered {answer.status}")
    charge = found.get("charge")
    return Denied(found["error"]["code"], ChargeBody.model_validate(charge).heard().charge if charge else None)
