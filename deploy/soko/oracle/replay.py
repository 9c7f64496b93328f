"""5. Replay equals live: each service's own fold and views over its events, beside the rows that stand there.

The one check that runs the services' code: that code is what is asked about. The rows are made in temporary tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa
from chassis.aggregate import Aggregate
from chassis.codec import encode, encode_opening
from chassis.rows import Meta, Put
from chassis.sealing import Opener
from chassis.service import Service
from chassis.world import World

from soko.oracle.breach import Report
from soko.oracle.reading import Databases
from soko.services import SERVICES, load

EVENTS = "select stream, version, type, data, recorded_at from events order by stream, version"
COUNT = "select count(*) from events"
SNAPSHOTS = "select stream, version, fold_version, state from snapshots where stream = any($1::text[])"
MAKE = "create temporary table replayed_{0} (like {0} including generated) on commit drop"
FILL = "insert into replayed_{0} ({1}) select {1} from json_populate_recordset(null::{0}, $1::json)"
COMPARE = """
select to_jsonb(live) as live, to_jsonb(made) as made
from {0} live full join replayed_{0} made using ({1}) where live::text is distinct from made::text
"""
KEYS_OF = "select subject, key from subject_keys where subject = any($1::text[])"
ROWS_AT_ONCE = 2_000

Tell = Callable[[int, int], None]
Key = tuple[str, ...]


@dataclass
class Fold:
    """One stream as far as it was read, with the rows that it has made."""

    stream: str
    aggregate: Aggregate
    state: Any
    version: int = 0
    broken: str = ""
    rows: dict[tuple[str, Key], dict[str, Any]] = field(default_factory=dict)

    def add(self, row: Any) -> None:
        """The next event; one that this code cannot read ends it."""
        try:
            self._add(row)
        except Exception as error:
            self.broken = f"{type(error).__name__} at version {row['version']}"

    def _add(self, row: Any) -> None:
        event = self.aggregate.codec.decode(row["type"], row["data"])
        self.version = row["version"]
        self.state = self.aggregate.decider.evolve(self.state, event)
        if self.aggregate.view is None:
            return
        meta = Meta(self.stream, self.stream.partition("-")[2], self.version, row["recorded_at"])
        for change in self.aggregate.view(event, self.state, meta):
            key = change.table.name, tuple(str(change.values[column.name]) for column in change.table.primary_key)
            if isinstance(change, Put):
                self.rows[key] = {**self.rows.get(key, {}), **change.values}
            else:
                self.rows.pop(key, None)


async def replay(databases: Databases, report: Report, tell: Tell) -> None:
    """Every event-sourced service's streams, one after the other."""
    services = [service for service in map(built, SERVICES) if any(service.aggregates) and service.name in databases]
    total = sum([await databases.one(service.name, COUNT) for service in services])
    done = 0
    for service in services:
        made = Made(databases, service)
        await made.begin()
        fold: Fold | None = None
        async for rows in databases.pages(service.name, EVENTS):
            snapshots = await _snapshots(databases, service, {row["stream"] for row in rows})
            for row in rows:
                if fold is None or fold.stream != row["stream"]:
                    await made.take(fold)
                    aggregate = service.aggregates.of(row["stream"])
                    fold = Fold(row["stream"], aggregate, aggregate.decider.initial)
                if not fold.broken:
                    fold.add(row)
                    _compare(service.name, fold, row, snapshots.get(fold.stream), report)
                    await made.spill(fold)
            done += len(rows)
            tell(done, total)
        await made.take(fold)
        await made.compare(report)


def built(name: str) -> Service:
    """A service that is not started: for what it declares."""
    kind = load(name)
    return kind.build(kind.settings(), World())


async def _snapshots(databases: Databases, service: Service, streams: set[str]) -> Mapping[str, Any]:
    return {row["stream"]: row for row in await databases.rows(service.name, SNAPSHOTS, list(streams))}


def _compare(service: str, fold: Fold, row: Any, snapshot: Any, report: Report) -> None:
    about = fold.stream.replace("-", " ", 1)
    if fold.broken:
        where = (f"{service}.events {fold.stream} {row['version']}",)
        report.add("replay equals live", about, f"{row['type']} cannot be replayed: {fold.broken}", where)
        return
    if snapshot is None or snapshot["version"] != fold.version:
        return
    if snapshot["fold_version"] != fold.aggregate.fold_version:
        return  # another code's: it is never read, and made again
    kept = fold.aggregate.states.decode("state", snapshot["state"])
    if encode(kept) != encode(fold.state):
        found = f"at version {fold.version} its events come to something else"
        report.add("snapshots equal the whole", about, found, (f"{service}.snapshots {fold.stream}",))


@dataclass
class Made:
    """The rows that a service's events make, in temporary tables beside its own."""

    databases: Databases
    service: Service
    waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    count: int = 0

    @property
    def tables(self) -> list[sa.Table]:
        """Those that the service's views write."""
        return [table for aggregate in self.service.aggregates for table in aggregate.tables]

    async def begin(self) -> None:
        """Make the tables."""
        for table in self.tables:
            await self.databases.execute(self.service.name, MAKE.format(table.name))
            self.waiting[table.name] = []

    async def spill(self, fold: Fold) -> None:
        """A stream that makes a row with each event, and many of them, must not fill the memory."""
        if len(fold.rows) > ROWS_AT_ONCE:
            touched = {table.name for table in self.tables if "version" in table.primary_key.columns}
            for key in [key for key in fold.rows if key[0] in touched]:
                self.waiting[key[0]].append(fold.rows.pop(key))
                self.count += 1
            await self._write()

    async def take(self, fold: Fold | None) -> None:
        """A stream has been read to its end."""
        if fold is None:
            return
        for (table, _), values in fold.rows.items():
            self.waiting[table].append(values)
            self.count += 1
        if self.count >= ROWS_AT_ONCE:
            await self._write()

    async def _write(self) -> None:
        for table in self.tables:
            if rows := self.waiting[table.name]:
                columns = ", ".join(column.name for column in table.columns if column.computed is None)
                nobody = Opener({})
                text = encode_opening(rows, nobody.default)
                if nobody.unknown:
                    keys = await self.databases.rows(self.service.name, KEYS_OF, list(nobody.unknown))
                    opener = Opener({row["subject"]: row["key"] for row in keys})
                    text = encode_opening(rows, opener.default)
                await self.databases.execute(self.service.name, FILL.format(table.name, columns), text.decode())
                self.waiting[table.name] = []
        self.count = 0

    async def compare(self, report: Report) -> None:
        """Both sides, row by row."""
        await self._write()
        for table in self.tables:
            key = [column.name for column in table.primary_key]
            sql = COMPARE.format(table.name, ", ".join(key))
            async for rows in self.databases.pages(self.service.name, sql):
                for row in rows:
                    self._differs(table.name, key, row, report)

    def _differs(self, table: str, key: list[str], row: Any, report: Report) -> None:
        live, made = (orjson.loads(row[side]) if row[side] else None for side in ("live", "made"))
        name = " ".join(str((live or made or {})[column]) for column in key)
        if live is None or made is None:
            found = "the events make it, and it is not there" if live is None else "no event makes it"
        else:
            found = f"{', '.join(sorted(c for c in live if live[c] != made[c]))}: not what the events make"
        where = f"{self.service.name}.{table} {name}"
        report.add("replay equals live", where, found, (where,))
