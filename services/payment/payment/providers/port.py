"""What a payment needs of whoever moves the money."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from payment.domain.commands import Charge


class Denied(Exception):
    """The provider will not do it: ``reason`` is a code. ``charge`` is how it stands, where the provider said that."""

    def __init__(self, reason: str, charge: Charge | None = None) -> None:
        super().__init__(reason)
        self.reason, self.charge = reason, charge


class Unsigned(Exception):
    """A webhook that the provider did not sign, or signed too long ago."""


class Unreadable(Exception):
    """A webhook that the provider signed, and that says nothing known."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to be paid. ``amount`` is minor units; token and phone are only there to authorise."""

    payment_id: str
    order_id: str | None
    charge_id: str | None
    amount: int
    currency: str
    number: str | None = None
    token: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider said. ``next_action`` is for the payer's eyes only: seal it before it goes anywhere."""

    charge: Charge
    next_action: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a webhook tells."""

    payment_id: str
    heard: Heard


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a ledger, the provider's or ours. ``refund_id`` is set where ``kind`` is ``refund``."""

    payment_id: str
    kind: Literal["capture", "void", "refund"]
    refund_id: str | None
    amount: int
    at: datetime


class Provider(Protocol):
    """Moves money, or says that it will not (``Denied``). Anything else that is raised means: unknown.

    ``keyed``: the same key again is the same operation, so a call without an answer is made again. Where it is not, it
    is never made again; the provider is asked.
    """

    name: str
    keyed: bool

    async def authorise(self, attempt: Attempt, key: str) -> Heard:
        """Have the payer promise the amount, or pay it at once."""

    async def capture(self, attempt: Attempt, amount: int, receipt: str | None, key: str) -> Heard:
        """Take what was promised."""

    async def void(self, attempt: Attempt, key: str) -> Heard:
        """See that no money comes of the attempt."""

    async def refund(self, attempt: Attempt, refund_id: str, amount: int, key: str) -> Heard:
        """Give some of it back. A refund that failed comes again with the same ``refund_id`` under another key.

        A provider that shows failed refunds has to show which of the tries failed (``ChargeRefund.tries``).
        """

    async def ask(self, attempt: Attempt) -> Heard:
        """How does the attempt stand?"""


class Hooked(Protocol):
    """A provider that sends webhooks."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Notice]:
        """What it tells. Raises Unsigned and Unreadable."""


class Ledgered(Protocol):
    """A provider that shows its ledger."""

    def movements(self, after: datetime, before: datetime) -> AsyncIterator[Movement]:
        """Every capture, void and refund from ``after`` on and until just before ``before``."""
