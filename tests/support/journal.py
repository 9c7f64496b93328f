"""A service's streams in memory, stored as the chassis stores them: what replay, snapshots and rebuilt views stand on.

Everything is done twice: on the states as they live in memory, and on states read back from what was stored. A field
that does not survive JSON, an ``evolve`` that needs more than its event, or a view that differs when it is built anew
shows at once, whatever commands came before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chassis.aggregate import Aggregate
from chassis.codec import encode
from chassis.decider import Address, After, Decider, Effect, Many, Refused, Send
from chassis.rows import Meta, Put, Remove
from soko_contracts import adapter, parse

RECORDED_AT = datetime(2026, 3, 1, tzinfo=UTC)

Rows = dict[tuple[str, tuple[Any, ...]], dict[str, Any]]


@dataclass
class Stream:
    """One stream: its state in memory, its events and a snapshot after each of them as they were stored."""

    aggregate: Aggregate
    id: str
    live: Any
    stored: list[tuple[str, bytes]] = field(default_factory=list)
    snapshots: list[bytes] = field(default_factory=list)

    def restored(self) -> Any:
        """The state as the newest snapshot has it."""
        states = self.aggregate.states
        return states.decode("state", self.snapshots[-1]) if self.snapshots else self.aggregate.decider.initial


class Journal:
    """The streams of these aggregates, and the rows of their views."""

    def __init__(self, *aggregates: Aggregate) -> None:
        self._aggregates = {aggregate.decider.stream: aggregate for aggregate in aggregates}
        self._streams: dict[str, Stream] = {}
        self.rows: Rows = {}
        self.events: list[tuple[str, Any]] = []
        self.effects: list[Effect] = []

    def state(self, decider: Decider[Any, Any, Any], id_: str) -> Any:
        """The stream's state now."""
        found = self._streams.get(decider.name(id_))
        return decider.initial if found is None else found.live

    def states(self, decider: Decider[Any, Any, Any]) -> list[tuple[str, Any]]:
        """The ids and states of all streams of one kind that have events."""
        kind = [one for one in self._streams.values() if one.aggregate.decider is decider]
        return [(one.id, one.live) for one in kind if one.stored]

    def version(self, decider: Decider[Any, Any, Any], id_: str) -> int:
        """How many events the stream has."""
        found = self._streams.get(decider.name(id_))
        return 0 if found is None else len(found.stored)

    def execute(self, decider: Decider[Any, Any, Any], id_: str, command: Any) -> "Journal":
        """Give one stream a command. Only this command's effects are kept. Raises Refused."""
        address: Address = (decider, id_)
        live, restored = self._states([address]), self._states([address], restored=True)
        name = decider.name(id_)
        decided, again = (_decided(decider, command, states[name]) for states in (live, restored))
        assert plainly(decided) == plainly(again), "decided otherwise on a state that was stored"
        return self._record([(address, event) for event in _events(decided)])

    def execute_many(self, many: Many[Any], command: Any) -> "Journal":
        """Give a command to all the streams it names. Only this command's effects are kept. Raises Refused."""
        decided, again = (_decided_many(many, command, self._states, restored) for restored in (False, True))
        assert plainly(decided) == plainly(again), "decided otherwise on states that were stored"
        return self._record(_events(decided))

    @property
    def sent(self) -> list[Any]:
        """The messages of the last command."""
        return [effect.message for effect in self.effects if isinstance(effect, Send)]

    def timers(self) -> list[After]:
        """The timers that the last command set, their commands read back from what was stored."""
        return [effect for effect in self.effects if isinstance(effect, After)]

    def _states(self, addresses: Sequence[Address], restored: bool = False) -> dict[str, Any]:
        return {
            decider.name(id_): self._stream(decider, id_).restored() if restored else self._stream(decider, id_).live
            for decider, id_ in addresses
        }

    def _stream(self, decider: Decider[Any, Any, Any], id_: str) -> Stream:
        aggregate = self._aggregates[decider.stream]
        return self._streams.setdefault(decider.name(id_), Stream(aggregate, id_, decider.initial))

    def _record(self, happened: Sequence[tuple[Address, Any]]) -> "Journal":
        self.effects = []
        for (decider, id_), event in happened:
            stream = self._stream(decider, id_)
            name, data = stream.aggregate.codec.name(event), encode(event)
            restored = decider.evolve(stream.restored(), stream.aggregate.codec.decode(name, data))
            stream.live = decider.evolve(stream.live, event)
            assert plainly(restored) == plainly(stream.live), f"{name} leads elsewhere when it is read back"
            stream.stored.append((name, data))
            stream.snapshots.append(encode(restored))
            self.events.append((decider.name(id_), event))
            _show(stream, len(stream.stored), event, stream.live, self.rows)
            self._take(decider.react(event, stream.live), stream)
        return self

    def _take(self, effects: Sequence[Effect], stream: Stream) -> None:
        public = 0
        for effect in effects:
            match effect:
                case Send(message):
                    public += message.KIND == "event"
                    contract: Any = type(message)
                    data = adapter(contract).dump_json(message)
                    assert message.KIND == "command" or parse(message.TYPE, data) == message
                case After(name, at, command):
                    codec = stream.aggregate.codec
                    effect = After(name, at, codec.decode(codec.name(command), encode(command)))
                    assert effect.command == command
            self.effects.append(effect)
        assert public <= 1, "two public events for one of ours: their sequence would be the same"

    def check(self) -> None:
        """Replay equals live, from the start and from every snapshot; rebuilt views are the same rows."""
        rebuilt: Rows = {}
        for stream in self._streams.values():
            decider, states = stream.aggregate.decider, stream.aggregate.states
            events = [stream.aggregate.codec.decode(name, data) for name, data in stream.stored]
            state = decider.initial
            for version, event in enumerate(events, 1):
                state = decider.evolve(state, event)
                _show(stream, version, event, state, rebuilt)
            assert plainly(state) == plainly(stream.live)
            for version, snapshot in enumerate(stream.snapshots, 1):
                assert plainly(decider.fold(events[version:], states.decode("state", snapshot))) == plainly(state)
        assert sorted(map(plainly, rebuilt.items())) == sorted(map(plainly, self.rows.items()))


def plainly(value: Any) -> str:
    """What tells values apart that ``==`` takes for the same, such as an enum and its text."""
    return re.sub(r"TzInfo\((0|UTC)\)", "datetime.timezone.utc", repr(value))


def _decided(decider: Decider[Any, Any, Any], command: Any, state: Any) -> list[Any] | Refused:
    try:
        return list(decider.decide(command, state))
    except Refused as refused:
        return refused


def _decided_many(many: Many[Any], command: Any, states_of: Any, restored: bool) -> Sequence[Any] | Refused:
    states: Mapping[str, Any] = states_of(many.streams(command), restored)
    states = {**states, **states_of(many.more(command, states), restored)}
    try:
        return many.decide(command, states)
    except Refused as refused:
        return refused


def _events(decided: Any) -> Any:
    if isinstance(decided, Refused):
        raise decided
    return decided


def _show(stream: Stream, version: int, event: Any, state: Any, rows: Rows) -> None:
    """The last row per primary key; columns that only an earlier one named stay."""
    aggregate = stream.aggregate
    if aggregate.view is None:
        return
    meta = Meta(aggregate.decider.name(stream.id), stream.id, version, RECORDED_AT)
    for row in aggregate.view(event, state, meta):
        assert row.table in aggregate.tables
        key = row.table.name, tuple(row.values[column.name] for column in row.table.primary_key)
        match row:
            case Put():
                rows[key] = {**rows.get(key, {}), **row.values}
            case Remove():
                rows.pop(key, None)
