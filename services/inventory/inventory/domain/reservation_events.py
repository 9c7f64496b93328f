"""What can be asked about an order's reservation, and what can have happened to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inventory.domain.shelves import MAIN


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of a SKU. What is asked for is one line a SKU, sorted by SKU; what is held, one a location besides.

    ``waits``: units that were promised before they came, at no location yet.
    """

    sku: str
    quantity: int
    location: str = MAIN
    waits: bool = False


def lines_of(wanted: Iterable[tuple[str, int]]) -> tuple[Line, ...]:
    """Lines of these SKUs and quantities: the same SKU again adds up."""
    sums: dict[str, int] = {}
    for sku, quantity in wanted:
        sums[sku] = sums.get(sku, 0) + quantity
    return tuple(Line(sku, sums[sku]) for sku in sorted(sums))


@dataclass(frozen=True, slots=True)
class Short:
    """A SKU of which ``available`` units were free when ``requested`` were asked for."""

    sku: str
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold all lines for the order, or none, and ask the order at ``expires_at``, then every ``ask_every`` seconds.

    ``asked``: the catalog was asked about SKUs nobody here had heard of; those still unknown are not for sale.
    """

    order_id: str
    lines: tuple[Line, ...]
    expires_at: datetime
    ask_every: int
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """The order is over: what it holds is free again."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The order is confirmed: what it holds is sold."""

    order_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Extend:
    """The order goes on: ask it again at ``expires_at``."""

    order_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Expire:
    """The timer: ``at`` has come, and the order holds its units still."""

    order_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AskNow:
    """Units have come that the order waited for: if its commit was put off, it need not wait to be asked."""

    order_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Pended:
    """The catalog is asked about the ``unknown`` SKUs first."""

    order_id: str
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]
    expires_at: datetime
    ask_every: int


@dataclass(frozen=True, slots=True)
class Held:
    """All lines are reserved."""

    order_id: str
    lines: tuple[Line, ...]
    expires_at: datetime
    ask_every: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing is reserved; ``shortages`` says why."""

    order_id: str
    shortages: tuple[Short, ...]


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A reserve came after the end: nothing is reserved any more."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Released:
    """``lines`` are free again. None: nothing was held, and nothing will be (a tombstone)."""

    order_id: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """``lines`` are sold."""

    order_id: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class CommitPutOff:
    """A count found fewer units than were promised: still held, and the order is asked again at ``ask_at``."""

    order_id: str
    shortages: tuple[Short, ...]
    ask_at: datetime


@dataclass(frozen=True, slots=True)
class Extended:
    """The order is asked at ``expires_at``, not before."""

    order_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Expired:
    """The order is asked what to do. It still holds its units; without an answer it is asked at ``ask_at`` again."""

    order_id: str
    expires_at: datetime
    ask_at: datetime


@dataclass(frozen=True, slots=True)
class AnsweredAgain:
    """A command that changes nothing any more was answered with how things stand."""

    order_id: str


Event = Pended | Held | Rejected | TurnedAway | Released | Committed | CommitPutOff | Extended | Expired | AnsweredAgain

EVENTS: dict[str, type] = {
    "pended.v1": Pended,
    "held.v1": Held,
    "rejected.v1": Rejected,
    "turned_away.v1": TurnedAway,
    "released.v1": Released,
    "committed.v1": Committed,
    "commit_put_off.v1": CommitPutOff,
    "extended.v1": Extended,
    "expired.v1": Expired,
    "answered_again.v1": AnsweredAgain,
}
COMMANDS: dict[str, type] = {"expire.v1": Expire}
