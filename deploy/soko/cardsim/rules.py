"""How a charge behaves: pure functions from a charge and a request to the charge it becomes.

Amounts are minor units. Every accepted request raises ``revision`` by one and leaves its idempotency key on the charge:
the same key again changes nothing and is answered with the charge as it is now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

Status = Literal["pending", "requires_action", "authorised", "captured", "voided", "failed"]
Kind = Literal["authorisation", "capture", "void", "refund"]

AT_ONCE = timedelta(0)
ANSWERED = timedelta(milliseconds=250)
"""The webhook of what an HTTP answer has said already is in no hurry."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the bank behaves for a token: what it says at once, and when it says yes if it has not."""

    at_once: Status
    reason: str | None = None
    yes_after: timedelta | Literal["late"] | None = None


MANNERS: Mapping[str, Manner] = {
    "tok_success": Manner("authorised"),
    "tok_declined": Manner("failed", "declined"),
    "tok_insufficient_funds": Manner("failed", "insufficient_funds"),
    "tok_timeout": Manner("pending"),
    "tok_slow": Manner("pending", yes_after=timedelta(seconds=3)),
    "tok_late": Manner("pending", yes_after="late"),
    "tok_duplicate": Manner("pending", yes_after=AT_ONCE),
    "tok_3ds": Manner("requires_action"),
    "tok_unsettled": Manner("authorised"),
}
SETTLED_AFTER = timedelta(minutes=1)
"""So long after tok_unsettled was charged, the bank returns none of it."""


class Refusal(Exception):
    """The gateway says no: an HTTP status, a code, and the charge as it is where there is one."""

    def __init__(self, status: int, code: str, message: str, charge: "Charge | None" = None) -> None:
        super().__init__(message)
        self.status, self.code, self.charge = status, code, charge


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back to the card."""

    id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Charge:
    """``answers_at`` is when the bank will say yes; ``keys`` are the idempotency keys that changed it, and what for."""

    id: str
    reference: str
    amount: int
    currency: str
    token: str
    status: Status
    return_url: str | None
    created_at: datetime
    updated_at: datetime
    captured: int = 0
    refunds: tuple[Refund, ...] = ()
    reason: str | None = None
    revision: int = 1
    keys: Mapping[str, str] = field(default_factory=dict)
    answers_at: datetime | None = None

    @property
    def refunded(self) -> int:
        """What went back."""
        return sum(refund.amount for refund in self.refunds)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line for the ledger."""

    kind: Kind
    amount: int
    key: str | None = None
    refund_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What the charge becomes, the line that the ledger gets, and after which delays its webhooks go out."""

    charge: Charge
    entry: Entry | None = None
    webhooks: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCharge:
    """What is asked for. ``reference`` is the caller's own name for it, once only."""

    reference: str
    amount: int
    currency: str
    token: str
    return_url: str | None
    key: str

    @property
    def purpose(self) -> str:
        """What its key stands for."""
        return f"charge {self.amount} {self.currency} {self.token}"


def create(wanted: NewCharge, existing: Charge | None, id_: str, now: datetime, late: timedelta) -> Change | None:
    """A charge of this token; None when the key made it before. Raises Refusal."""
    if existing is not None:
        if _repeats(existing, wanted.key, wanted.purpose):
            return None
        raise Refusal(409, "reference_taken", "There is a charge with this reference.", existing)
    manner = MANNERS.get(wanted.token)
    if manner is None:
        raise Refusal(422, "invalid_token", "No card is behind this token.")
    yes_after = late if manner.yes_after == "late" else manner.yes_after
    charge = Charge(
        id=id_,
        reference=wanted.reference,
        amount=wanted.amount,
        currency=wanted.currency,
        token=wanted.token,
        status=manner.at_once,
        return_url=wanted.return_url,
        created_at=now,
        updated_at=now,
        reason=manner.reason,
        keys={wanted.key: wanted.purpose},
        answers_at=None if yes_after is None else now + yes_after,
    )
    entry = Entry("authorisation", charge.amount, wanted.key) if charge.status == "authorised" else None
    if charge.status == "pending":
        # Of tok_duplicate even the beginning is told, after its end.
        told = (timedelta(milliseconds=500), timedelta(seconds=1)) if charge.token == "tok_duplicate" else ()  # noqa: S105
        return Change(charge, entry, told)
    return Change(charge, entry, () if charge.status == "requires_action" else (ANSWERED,))


def bank_answers(charge: Charge, now: datetime) -> Change | None:
    """The bank says yes, if it still matters."""
    if charge.status != "pending" or charge.answers_at is None or charge.answers_at > now:
        return None
    changed = _changed(charge, now, status="authorised", answers_at=None)
    return Change(changed, Entry("authorisation", charge.amount), _told(charge, AT_ONCE))


def payer_decides(charge: Charge, approves: bool, now: datetime) -> Change | None:
    """The payer pressed a button on the bank's page; None when there is nothing to decide any more."""
    if charge.status != "requires_action":
        return None
    if approves:
        changed = _changed(charge, now, status="authorised")
        return Change(changed, Entry("authorisation", charge.amount), _told(charge, AT_ONCE))
    return Change(_changed(charge, now, status="failed", reason="declined_by_payer"), None, _told(charge, AT_ONCE))


def capture(charge: Charge, amount: int, key: str, now: datetime) -> Change | None:
    """Take all or part of what is authorised, once; None when this key did it before. Raises Refusal."""
    purpose = f"capture {amount}"
    if _repeats(charge, key, purpose):
        return None
    if charge.status != "authorised":
        raise Refusal(409, f"charge_{charge.status}", f"The charge is {charge.status}.", charge)
    if amount > charge.amount:
        raise Refusal(422, "amount_too_large", "More than is authorised.", charge)
    changed = _changed(charge, now, (key, purpose), status="captured", captured=amount)
    return Change(changed, Entry("capture", amount, key), _told(charge, ANSWERED))


def void(charge: Charge, key: str, now: datetime) -> Change | None:
    """See that no money comes of it; None when that is so already. Raises Refusal.

    What the bank is working on cannot be voided until it has answered.
    """
    match charge.status:
        case "voided" | "failed":
            return None
        case "captured":
            raise Refusal(409, "charge_captured", "The money was taken: refund it.", charge)
        case "pending" if charge.answers_at is not None:
            raise Refusal(409, "charge_pending", "The bank has not answered yet.", charge)
    changed = _changed(charge, now, (key, "void"), status="voided")
    return Change(changed, Entry("void", charge.amount, key), _told(charge, ANSWERED))


def refund(charge: Charge, refund_id: str, amount: int, key: str, now: datetime) -> Change | None:
    """Give back some of what was taken; None when this key or this id did it before. Raises Refusal."""
    purpose = f"refund {refund_id} {amount}"
    if _repeats(charge, key, purpose):
        return None
    if any(each.id == refund_id for each in charge.refunds):
        raise Refusal(409, "refund_taken", "There is a refund with this id.", charge)
    if amount > charge.captured - charge.refunded:
        raise Refusal(409, "exceeds_captured", "More than is left of what was taken.", charge)
    if charge.token == "tok_unsettled" and now < charge.updated_at + SETTLED_AFTER:  # noqa: S105
        raise Refusal(409, "charge_unsettled", "The bank has not paid it out yet: try again later.", charge)
    changed = _changed(charge, now, (key, purpose), refunds=(*charge.refunds, Refund(refund_id, amount)))
    return Change(changed, Entry("refund", amount, key, refund_id), _told(charge, ANSWERED))


def shown(charge: Charge, page: str) -> dict[str, Any]:
    """The charge as it goes over the wire. ``page`` is where the gateway's own pages are."""
    action = {"type": "redirect", "url": f"{page}/3ds/{charge.id}"} if charge.status == "requires_action" else None
    return {
        "id": charge.id,
        "reference": charge.reference,
        "status": charge.status,
        "amount": charge.amount,
        "currency": charge.currency,
        "captured": charge.captured,
        "refunded": charge.refunded,
        "refunds": [{"id": each.id, "amount": each.amount, "status": "succeeded"} for each in charge.refunds],
        "reason": charge.reason,
        "revision": charge.revision,
        "next_action": action,
        "created_at": charge.created_at,
        "updated_at": charge.updated_at,
    }


def _changed(charge: Charge, now: datetime, used: tuple[str, str] | None = None, **changes: Any) -> Charge:
    keys = charge.keys if used is None else {**charge.keys, used[0]: used[1]}
    return replace(charge, revision=charge.revision + 1, updated_at=now, keys=keys, **changes)


def _told(charge: Charge, delay: timedelta) -> tuple[timedelta, ...]:
    """When webhooks go out; of tok_duplicate twice, the second after the next one's first."""
    return (delay, delay + timedelta(seconds=1)) if charge.token == "tok_duplicate" else (delay,)  # noqa: S105


def _repeats(charge: Charge, key: str, purpose: str) -> bool:
    """Whether the key did this before. Raises Refusal where it did something else."""
    done = charge.keys.get(key)
    if done is not None and done != purpose:
        raise Refusal(422, "idempotency_key_reused", "The key came before with another request.", charge)
    return done is not None
