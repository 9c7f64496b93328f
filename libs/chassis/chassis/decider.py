"""The whole idea of an event-sourced service, in one page and the standard library.

A decider is three pure functions over one stream. Clock, ids and prices come in with the command; what has to happen
next is returned as data, and one place (the unit) performs it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


class Refused(Exception):
    """A rule says no: ``slug`` names the problem (``out-of-stock``), ``detail`` says it to a person.

    Over HTTP it is a 409 with that problem; from a fact it is stale news, recorded and done. ``extra`` holds members
    that the problem document shows besides.
    """

    def __init__(self, slug: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Send:
    """Publish an event or send a command, of ``soko_contracts``, when this transaction commits.

    An event needs no more: its subject is the stream's id, its sequence the stream's version. ``subject`` is for
    commands whose receiver keeps order by another id than the sender's stream. Where there is no stream, an event says
    both itself: ``sequence`` is then the row's counter.
    """

    message: Any
    subject: str | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class After:
    """A durable timer of this stream: at ``at`` its decider is given ``command``. The same name again moves it.

    Timers are not cancelled: state decides what they mean when they fire.
    """

    name: str
    at: datetime
    command: Any


@dataclass(frozen=True, slots=True)
class Call:
    """Something outside to be asked, by the handler the service registered under ``name``.

    It is kept as a row and made with nothing held; its outcome comes back as a command to this stream. ``key`` is the
    provider's idempotency key: the same key again is the same call. ``request`` may hold sealed values: the handler
    gets them open.
    """

    name: str
    key: str
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete the key of ``subject`` here: what was sealed under it can never be opened again."""

    subject: str


Effect = Send | After | Call | Forget


def nothing(event: Any, state: Any) -> Sequence[Effect]:
    """The reaction of a decider that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class Decider(Generic[C, S, E]):
    """The rules of one kind of stream: ``order`` has the streams ``order-0198…``.

    ``decide`` may raise Refused. ``evolve`` never raises. ``react`` is called once an event, with the state after it.
    """

    stream: str
    initial: S
    decide: Callable[[C, S], Sequence[E]]
    evolve: Callable[[S, E], S]
    react: Callable[[E, S], Sequence[Effect]] = nothing

    def name(self, id_: str) -> str:
        """The stream of the thing with this id."""
        return f"{self.stream}-{id_}"

    def fold(self, events: Iterable[E], state: S | None = None) -> S:
        """The state after ``events``."""
        now = self.initial if state is None else state
        for event in events:
            now = self.evolve(now, event)
        return now


Address = tuple[Decider[Any, Any, Any], str]
"""One stream: its decider and the id."""


def no_more(command: Any, states: Mapping[str, Any]) -> Sequence[Address]:
    """For a command that names all its streams itself."""
    return ()


@dataclass(frozen=True, slots=True)
class Many(Generic[C]):
    """A command over several streams at once, all or nothing, in one transaction.

    ``streams`` names them from the command alone. ``decide`` gets each one's state under its stream name, and returns
    each event with the address it belongs to; every event is evolved and reacted to by its own stream's decider.
    ``more`` names the streams that only a state can tell (the SKUs an order holds), from the states of ``streams``;
    ``decide`` gets those too.
    """

    streams: Callable[[C], Sequence[Address]]
    decide: Callable[[C, Mapping[str, Any]], Sequence[tuple[Address, Any]]]
    more: Callable[[C, Mapping[str, Any]], Sequence[Address]] = no_more
