"""Loading streams. Writing them is ``writing``; deciding on them is ``batch``."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from chassis.batch import Aggregates, Held, kind
from chassis.sealing import Connected

LOAD = """
select stream, version, type, data
from unnest($1::text[], $2::int[]) known (stream, known_version) join events using (stream)
where version > known_version order by 1, 2
"""  # what came after the version known of each stream
LOAD_NEW = """
select stream, found.version, type, data
from unnest($1::text[], $2::int[], $3::int[]) known (stream, known_version, fold_version)
left join snapshots using (stream, fold_version)
cross join lateral (
    select snapshots.version, null as type, state as data where known_version = 0 and snapshots.version is not null
    union all
    select version, type, data from events
    where events.stream = known.stream
      and version > case when known_version = 0 then coalesce(snapshots.version, 0) else known_version end
) found
order by 1, 2
"""  # the same; of a stream not known, its snapshot and what came after that
NO_SNAPSHOTS = -1

CACHED_STREAMS = 1_000
"""Of each kind: the orders of a busy minute push no SKU out."""


class Store:
    """The streams of one service, with the states of recent ones kept in memory.

    A load asks for what came after the kept state, so a state that another process has moved on from is caught up, and
    the append's primary key settles the rest. Where that key alone is enough, because nothing is believed of a stream
    but what an append to it will prove, ``remembered`` saves the reading too.
    """

    def __init__(self, aggregates: Aggregates) -> None:
        self._aggregates = aggregates
        self._cached = defaultdict[str, OrderedDict[str, Held]](OrderedDict)

    def remembered(self, streams: Iterable[str], *, new: bool = False) -> dict[str, Held]:
        """Those of ``streams`` that are kept in memory, as they were when this process last saw them.

        ``new``: the others are taken for new.
        """
        found = {name: self._kept(name) or (self._new(name) if new else None) for name in streams}
        return {name: held for name, held in found.items() if held is not None}

    async def load(self, connection: Connected, streams: Iterable[str]) -> dict[str, Held]:
        """Each stream as it is in the database now; one that does not exist is at version 0."""
        names = sorted(set(streams))
        if not names:
            return {}
        held = {name: self._kept(name) or self._new(name) for name in names}
        versions, folds = [held[name].version for name in names], [self._fold_version(name) for name in names]
        if any(not version and fold != NO_SNAPSHOTS for version, fold in zip(versions, folds, strict=True)):
            rows = await connection.fetch(LOAD_NEW, names, versions, folds)
        else:
            rows = await connection.fetch(LOAD, names, versions)
        for stream, version, type_, data in rows:
            aggregate = self._aggregates.of(stream)
            if type_ is None:
                held[stream] = Held(version, aggregate.states.decode("state", data), ours=False)
                continue
            event = aggregate.codec.decode(type_, data)
            held[stream] = Held(version, aggregate.decider.evolve(held[stream].state, event), ours=False)
        return held

    def _fold_version(self, stream: str) -> int:
        aggregate = self._aggregates.of(stream)
        return aggregate.fold_version if aggregate.snapshot_every else NO_SNAPSHOTS

    def _new(self, stream: str) -> Held:
        return Held(0, self._aggregates.of(stream).decider.initial)

    def remember(self, held: Mapping[str, Held]) -> None:
        """Keep these states: they have been committed."""
        for stream, one in held.items():
            kept = self._cached[kind(stream)]
            kept[stream] = one if one.ours else replace(one, ours=True)
            kept.move_to_end(stream)
            if len(kept) > CACHED_STREAMS:
                kept.popitem(last=False)

    def _kept(self, stream: str) -> Held | None:
        return self._cached[kind(stream)].get(stream)
