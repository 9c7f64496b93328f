"""One payment in the words of its domain: commands, facts, calls to the provider, and what others are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.decider import After, Call, Forget
from payment.domain import commands, facts
from payment.domain.commands import Charge
from soko_contracts import payment as told
from soko_contracts.sealed import Sealed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

TOKEN = Sealed("p1", "box")

IDS: dict[str, Any] = {"payment_id": "p1", "order_id": "o1"}

ABOUT: dict[str, Any] = {
    **IDS,
    "number": "SO-1",
    "customer_id": "c1",
    "method": "card",
    "amount": 500,
    "currency": "KES",
}

SUM: dict[str, Any] = {**IDS, "method": "card", "amount": 500, "currency": "KES"}

AUTHORISE = commands.Authorise(**ABOUT, now=NOW, token=TOKEN)

CAPTURE = commands.Capture("p1", "o1", 500)

VOID = commands.Void("p1", "o1")

REFUND = commands.Refund("p1", "o1", "r1", 200)

REQUESTED = facts.Requested(**ABOUT, at=NOW, token=TOKEN, phone=None, reference=None)

AUTHORISED = facts.Authorised("ch", 2)

CAPTURE_ASKED = facts.CaptureAsked(500, None)

CAPTURED = facts.Captured("ch", 3, 500)

VOID_ASKED = facts.VoidAsked()

VOIDED = facts.Voided("p1", "o1", "ch", 3, at_provider=True)

TOMBSTONE = facts.Voided("p1", "o1", None, 0, at_provider=False)

DECLINED = facts.Failed("p1", "o1", "ch", 1, "declined")

ACTION = facts.ActionRequired("ch", 1, "redirect", TOKEN, NOW + timedelta(seconds=30), 30)

REQUEST = {"payment_id": "p1", "order_id": "o1", "charge_id": None, "amount": 500, "currency": "KES"}

CALL_AUTHORISE = Call("card.authorise", "p1:authorise", {**REQUEST, "number": "SO-1", "token": TOKEN, "phone": None})

CALL_CAPTURE = Call("card.capture", "p1:capture", {**REQUEST, "charge_id": "ch", "take": 500, "receipt": None})

CALL_VOID = Call("card.void", "p1:void", {**REQUEST, "charge_id": "ch"})

FORGET = Forget("p1")

ASK_LATER = After("ask", NOW + timedelta(seconds=30), commands.Ask(NOW + timedelta(seconds=30), 30))

TOLD_AUTHORISED = told.Authorised(**SUM)

TOLD_CAPTURED = told.Captured(**SUM)

TOLD_VOIDED = told.Voided(**IDS)

TOLD_DECLINED = told.Failed(**IDS, reason="declined")


def call_refund(tries: int = 1) -> Call:
    request = {**REQUEST, "charge_id": "ch", "refund_id": "r1", "give": 200, "tries": tries}
    return Call("card.refund", "p1:refund:r1" + (f":{tries}" if tries > 1 else ""), request)


def says(status: Any, revision: int = 1, *, call: str | None = None, **more: Any) -> commands.Report:
    """The provider speaks, by webhook or as the answer to ``call``."""
    return commands.Report(Charge(status, "ch", revision, **more), NOW, 30, call)


def has_none(call: str | None = None) -> commands.Report:
    return commands.Report(Charge("missing"), NOW, 30, call)


def denies(operation: str, reason: str = "declined", charge: Charge | None = None) -> commands.Deny:
    return commands.Deny(operation, reason, NOW, 30, charge)


def silent(operation: str) -> commands.GiveUp:
    return commands.GiveUp(operation, NOW, 30)


def left_open(operation: str, charge_id: str | None = "ch") -> facts.LeftOpen:
    return facts.LeftOpen(operation, charge_id, NOW + timedelta(seconds=30), 30)
