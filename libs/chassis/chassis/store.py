"""Loading streams. Writing them is ``writing``; deciding on them is ``batch``."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from chassis.batch import Aggregates, Held
from chassis.sealing import Connected

TAILS = """
select events.stream, events.version, events.type, events.data
from unnest($1::text[], $2::int[]) as wanted (stream, version)
join events on events.stream = wanted.stream and events.version > wanted.version
order by events.stream, events.version
"""  # every event after the version that is known of each stream
SNAPSHOTS = "select stream, version, fold_version, state from snapshots where stream = any($1::text[])"

CACHED_STREAMS = 10_000


class Store:
    """The streams of one service, with the states of recent ones kept in memory.

    A kept state saves folding, never reading: each load asks for what came after it, so a state that another process
    has moved on from is caught up, and the append's primary key settles the rest.
    """

    def __init__(self, aggregates: Aggregates) -> None:
        self._aggregates = aggregates
        self._cached: OrderedDict[str, Held] = OrderedDict()

    async def load(self, connection: Connected, streams: Iterable[str]) -> dict[str, Held]:
        """Each stream as it is in the database now; one that does not exist is at version 0."""
        names = sorted(set(streams))
        if not names:
            return {}
        held = {name: self._cached.get(name) or self._new(name) for name in names}
        await self._from_snapshots(connection, held)
        rows = await connection.fetch(TAILS, names, [held[name].version for name in names])
        for stream, version, type_, data in rows:
            aggregate = self._aggregates.of(stream)
            event = aggregate.codec.decode(type_, data)
            held[stream] = Held(version, aggregate.decider.evolve(held[stream].state, event))
        return held

    async def _from_snapshots(self, connection: Connected, held: dict[str, Held]) -> None:
        fresh = [name for name, one in held.items() if not one.version and self._aggregates.of(name).snapshot_every]
        if not fresh:
            return
        for stream, version, fold_version, state in await connection.fetch(SNAPSHOTS, fresh):
            aggregate = self._aggregates.of(stream)
            if fold_version == aggregate.fold_version:
                held[stream] = Held(version, aggregate.states.decode("state", state))

    def _new(self, stream: str) -> Held:
        return Held(0, self._aggregates.of(stream).decider.initial)

    def remember(self, held: Mapping[str, Held]) -> None:
        """Keep these states: they have been committed."""
        for stream, one in held.items():
            self._cached[stream] = one
            self._cached.move_to_end(stream)
        while len(self._cached) > CACHED_STREAMS:
            self._cached.popitem(last=False)
