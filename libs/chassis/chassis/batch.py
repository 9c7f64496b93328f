"""Deciding many messages in memory, to be written in one transaction.

Since deciders, views and subscriptions are pure, all streams are loaded first, every message is decided in order on
the states so far, and the whole result is plain data. A message that fails leaves nothing behind: states are immutable,
so its draft is dropped and the rest stands.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, assert_never

import sqlalchemy as sa
from soko_contracts import Message

from chassis.aggregate import Aggregate
from chassis.context import Context
from chassis.decider import Address, After, Call, Effect, Forget, Many, Send
from chassis.outcome import Do, Outcome
from chassis.rows import Keep, Meta, Put, Remove, Row


@dataclass(frozen=True, slots=True)
class Held:
    """A stream as it stands: ``version`` events, folded into ``state``.

    ``ours``: every event of it was written by this process, or was here when it was last told of; false once
    something was read that another wrote.
    """

    version: int
    state: Any
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event to append."""

    stream: str
    version: int
    aggregate: Aggregate
    event: Any
    cause: Context


@dataclass(frozen=True, slots=True)
class Sent:
    """One message for the outbox."""

    message_id: str
    message: Message
    subject: str
    sequence: int
    cause: Context


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer to set."""

    stream: str
    aggregate: Aggregate
    after: After
    cause: Context


@dataclass(frozen=True, slots=True)
class Asking:
    """One call outside to be made."""

    call_id: str
    stream: str
    call: Call
    cause: Context


class Unloaded(Exception):
    """A command needs streams that were not loaded: load them and decide it again."""

    def __init__(self, streams: set[str]) -> None:
        super().__init__(", ".join(sorted(streams)))
        self.streams = streams


RowKey = tuple[str, tuple[Any, ...]]


@dataclass(slots=True)
class Draft:
    """What came of one message, or of a whole batch of them."""

    held: dict[str, Held] = field(default_factory=dict)
    events: list[Recorded] = field(default_factory=list)
    rows: dict[RowKey, Row] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    timers: dict[tuple[str, str], Timer] = field(default_factory=dict)
    calls: list[Asking] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def add_row(self, row: Row) -> None:
        """Keep the last row per primary key; columns that only an earlier one named stay."""
        key = _row_key(row)
        before = self.rows.get(key)
        match row, before:
            case Keep(), Keep() if row.values["sequence"] <= before.values["sequence"]:
                return
            case Put(), Put():
                self.rows[key] = Put(row.table, {**before.values, **row.values})
            case _:
                self.rows[key] = row

    def add(self, other: "Draft") -> None:
        """Everything of ``other`` happened after this."""
        self.held.update(other.held)
        self.events += other.events
        for row in other.rows.values():
            self.add_row(row)
        self.sent += other.sent
        self.timers.update(other.timers)
        self.calls += other.calls
        self.forgotten += other.forgotten

    def __bool__(self) -> bool:
        return bool(self.events or self.rows or self.sent or self.timers or self.calls or self.forgotten)


@cache
def key_of(table: sa.Table) -> tuple[str, ...]:
    """The names of the primary key's columns."""
    return tuple(column.name for column in table.primary_key)


def _row_key(row: Row) -> RowKey:
    return row.table.name, tuple(row.values[name] for name in key_of(row.table))


def kind(stream: str) -> str:
    """What a stream is one of: ``order-0198…`` is an ``order``."""
    return stream.partition("-")[0]


class Aggregates:
    """The deciders of a service, found by stream name."""

    def __init__(self, aggregates: Iterable[Aggregate]) -> None:
        self._by_kind = {aggregate.decider.stream: aggregate for aggregate in aggregates}

    def __iter__(self) -> Iterator[Aggregate]:
        return iter(self._by_kind.values())

    def of(self, stream: str) -> Aggregate:
        """The aggregate a stream belongs to."""
        return self._by_kind[kind(stream)]


def streams_of(outcomes: Iterable[Outcome]) -> set[str]:
    """The streams that have to be loaded to carry ``outcomes`` out."""
    return {
        decider.name(id_) for outcome in outcomes if isinstance(outcome, Do) for decider, id_ in outcome.addresses()
    }


def more_of(outcomes: Iterable[Outcome], states: Mapping[str, Any]) -> set[str]:
    """The streams that ``states`` name besides, so that a batch can load them in one go."""
    return {
        decider.name(id_)
        for outcome in outcomes
        if isinstance(outcome, Do) and isinstance(outcome.decider, Many)
        for decider, id_ in outcome.decider.more(outcome.command, states)
    }


class Batch:
    """Messages decided so far on ``held``: the streams as they were loaded, new ones at version 0."""

    def __init__(self, aggregates: Aggregates, held: Mapping[str, Held], now: datetime, ids: Callable[[], str]) -> None:
        self._aggregates, self._loaded, self._now, self._ids = aggregates, dict(held), now, ids
        self.draft = Draft()

    def load(self, held: Mapping[str, Held]) -> None:
        """More streams, as they are in the database."""
        self._loaded.update(held)

    def carry_out(self, outcomes: Iterable[Outcome], cause: Context) -> None:
        """One message's outcomes, all or none. Raises what the domain raises, and then nothing of it is kept.

        Raises Unloaded when a stream is missing that only a state could name.
        """
        draft = Draft()
        for outcome in outcomes:
            match outcome:
                case Do():
                    self._decide(draft, outcome, cause)
                case Put() | Remove() | Keep():
                    draft.add_row(outcome)
                case Send():
                    said = Sent(self._ids(), outcome.message, outcome.subject or "", outcome.sequence, cause)
                    draft.sent.append(said)
                case Call():
                    draft.calls.append(Asking(self._ids(), "", outcome, cause))
                case Forget():
                    draft.forgotten.append(outcome.subject)
                case _:
                    assert_never(outcome)
        self.draft.add(draft)

    def state(self, stream: str) -> Held:
        """A stream as it stands after all that was decided so far."""
        return self._held(self.draft, stream)

    def _held(self, draft: Draft, stream: str) -> Held:
        held = draft.held.get(stream) or self.draft.held.get(stream) or self._loaded.get(stream)
        if held is None:
            raise Unloaded({stream})
        return held

    def _decide(self, draft: Draft, do: Do, cause: Context) -> None:
        if isinstance(do.decider, Many):
            states = {name: self._held(draft, name).state for name in streams_of([do])}
            more = {decider.name(id_) for decider, id_ in do.decider.more(do.command, states)}
            if unloaded := more - draft.held.keys() - self.draft.held.keys() - self._loaded.keys():
                raise Unloaded(unloaded)
            states |= {name: self._held(draft, name).state for name in more}
            decided: Sequence[tuple[Address, Any]] = do.decider.decide(do.command, states)
            for (decider, id_), event in decided:
                self._append(draft, decider.name(id_), id_, event, cause)
            return
        stream = do.decider.name(do.id)
        for event in do.decider.decide(do.command, self._held(draft, stream).state):
            self._append(draft, stream, do.id, event, cause)

    def _append(self, draft: Draft, stream: str, id_: str, event: Any, cause: Context) -> None:
        aggregate = self._aggregates.of(stream)
        before = self._held(draft, stream)
        held = Held(before.version + 1, aggregate.decider.evolve(before.state, event), before.ours)
        draft.held[stream] = held
        draft.events.append(Recorded(stream, held.version, aggregate, event, cause))
        if aggregate.view is not None:
            for row in aggregate.view(event, held.state, Meta(stream, id_, held.version, self._now)):
                draft.add_row(row)
        for effect in aggregate.decider.react(event, held.state):
            self._take(draft, effect, aggregate, stream, id_, held.version, cause)

    def _take(
        self, draft: Draft, effect: Effect, aggregate: Aggregate, stream: str, id_: str, version: int, cause: Context
    ) -> None:
        match effect:
            case Send():
                draft.sent.append(Sent(self._ids(), effect.message, effect.subject or id_, version, cause))
            case After():
                draft.timers[stream, effect.name] = Timer(stream, aggregate, effect, cause)
            case Call():
                draft.calls.append(Asking(self._ids(), stream, effect, cause))
            case Forget():
                draft.forgotten.append(effect.subject)
            case _:
                assert_never(effect)
