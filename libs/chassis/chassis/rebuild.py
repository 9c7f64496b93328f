"""Rebuilding a service's views from its events, beside live traffic.

New tables are filled while the old ones go on being read and written; the last catch-up and the change of names happen
in one transaction under a lock that keeps writers out, for milliseconds. What is compared before is how both stood at
one moment, so that reading all of them keeps nobody waiting.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import asyncpg
import sqlalchemy as sa

from chassis.aggregate import Aggregate
from chassis.batch import Draft, Held
from chassis.rows import Meta, Put, Remove
from chassis.writing import statement

if TYPE_CHECKING:
    from chassis.service import Service

log = logging.getLogger(__name__)

SUFFIX = "__rebuilt"
CHUNK = 5_000
LOCK_TRIES = 10

# While the lock is held no event below the position that is read then can still be uncommitted.
SETTLED_POSITION = "select coalesce(max(position), 0) from events"
KEEP_WRITERS_OUT = "lock table events in share mode"
PATIENCE = "set local lock_timeout = '3s'"
PAGE = """
select position, stream, version, type, data, recorded_at from events
where (stream, version) > ($1, $2) and position <= $3
order by stream, version limit $4
"""
CHANGED_SINCE = "select distinct stream from events where position > $1"
WHOLE = """
select position, stream, version, type, data, recorded_at from events where stream = any($1::text[])
order by stream, version
"""
INDEXES = "select indexname, indexdef from pg_indexes where schemaname = current_schema() and tablename = $1"
OPTIONS = "select reloptions from pg_class where oid = $1::text::regclass"
CHECKSUM = "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {} t"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One view's table: how many rows it has, and whether they differed from what had stood there."""

    table: str
    rows: int
    differed: bool


class Rebuild:
    """One rebuild of all views of one service; ``run`` does it. ``progress`` gets events done and events in all."""

    def __init__(self, service: "Service", progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        self._service, self._progress = service, progress
        self._tables = [table for aggregate in service.aggregates for table in aggregate.tables]
        beside = sa.MetaData()
        self._beside = {table.name: table.to_metadata(beside, name=table.name + SUFFIX) for table in self._tables}
        self._done = 0

    async def run(self) -> list[Rebuilt]:
        """Raises asyncpg's LockNotAvailableError when writers never pause for the last step; then nothing changed."""
        if not self._tables:
            return []
        connection = await self._service.database.connect()
        try:
            for table in self._tables:
                await connection.execute(f"drop table if exists {table.name}{SUFFIX}")
                await connection.execute(f"create table {table.name}{SUFFIX} (like {table.name} including all)")
                if options := await connection.fetchval(OPTIONS, table.name):  # fillfactor and the like are not copied
                    await connection.execute(f"alter table {table.name}{SUFFIX} set ({', '.join(options)})")
            position = await self._settled(connection)
            total = await connection.fetchval("select count(*) from events")
            await self._fold_all(connection, position, total)
            results: list[Rebuilt] = []
            for attempt in range(LOCK_TRIES):
                position = await self._near(connection, position)
                try:
                    if not results:
                        position, results = await self._compare(connection, position)
                        position = await self._near(connection, position)
                    await self._change_over(connection, position)
                    return results
                except asyncpg.LockNotAvailableError:
                    if attempt == LOCK_TRIES - 1:
                        raise
            raise AssertionError("unreachable")
        finally:
            await connection.close()

    async def _near(self, connection: Any, position: int) -> int:
        """Catch up with what has changed since ``position``; what comes meanwhile is behind the new one."""
        settled = await self._settled(connection)
        await self._catch_up(connection, position)
        return settled

    async def _settled(self, connection: Any) -> int:
        async with connection.transaction():
            await connection.execute(KEEP_WRITERS_OUT)
            return int(await connection.fetchval(SETTLED_POSITION))

    async def _fold_all(self, connection: Any, position: int, total: int) -> None:
        stream, held = "", Held(0, None)
        while True:
            page = await connection.fetch(PAGE, stream, held.version, position, CHUNK)
            if not page:
                return
            draft = Draft()
            for name, events in groupby(page, key=lambda row: row["stream"]):
                aggregate = self._service.aggregates.of(name)
                held = held if name == stream else Held(0, aggregate.decider.initial)
                stream, held = name, self._fold(draft, aggregate, held, list(events))
            await self._write(connection, draft)
            self._done += len(page)
            self._progress(self._done, total)

    async def _catch_up(self, connection: Any, position: int) -> None:
        """Fold every stream that has changed since ``position`` anew."""
        changed = [row["stream"] for row in await connection.fetch(CHANGED_SINCE, position)]
        draft = Draft()
        for name, events in groupby(await connection.fetch(WHOLE, changed), key=lambda row: row["stream"]):
            aggregate = self._service.aggregates.of(name)
            self._fold(draft, aggregate, Held(0, aggregate.decider.initial), list(events))
        await self._write(connection, draft)

    def _fold(self, draft: Draft, aggregate: Aggregate, held: Held, events: list[Any]) -> Held:
        for row in events:
            event = aggregate.codec.decode(row["type"], row["data"])
            held = Held(row["version"], aggregate.decider.evolve(held.state, event))
            id_ = row["stream"].partition("-")[2]
            meta = Meta(row["stream"], id_, row["version"], row["recorded_at"])
            for change in aggregate.view(event, held.state, meta) if aggregate.view else ():
                table = self._beside[change.table.name]
                draft.add_row(Put(table, change.values) if isinstance(change, Put) else Remove(table, change.values))
        return held

    async def _write(self, connection: Any, draft: Draft) -> None:
        made = await statement(connection, draft, self._service.name, self._service.world.clock(), None)
        await made.run(connection)

    async def _compare(self, connection: Any, position: int) -> tuple[int, list[Rebuilt]]:
        """Up to where the new tables are now, and how they and the old ones stood at that moment."""
        keeper: Any = await self._service.database.connect()
        reader: Any = await self._service.database.connect()
        try:
            async with reader.transaction(isolation="repeatable_read", readonly=True):
                async with keeper.transaction():
                    await keeper.execute(PATIENCE)
                    await keeper.execute(KEEP_WRITERS_OUT)
                    await self._catch_up(connection, position)
                    position = int(await keeper.fetchval(SETTLED_POSITION))
                    await reader.fetchval("select 1")  # from here on it sees this moment, and writers go on
                results = []
                for table in self._tables:
                    old = await reader.fetchrow(CHECKSUM.format(table.name))
                    new = await reader.fetchrow(CHECKSUM.format(table.name + SUFFIX))
                    results.append(Rebuilt(table.name, new[0], tuple(old) != tuple(new)))
            return position, results
        finally:
            await keeper.close()
            await reader.close()

    async def _change_over(self, connection: Any, position: int) -> None:
        async with connection.transaction():
            await connection.execute(PATIENCE)
            await connection.execute(KEEP_WRITERS_OUT)
            await self._catch_up(connection, position)
            for table in self._tables:
                await self._take_place(connection, table.name)

    async def _take_place(self, connection: Any, table: str) -> None:
        """The new table takes the old one's name, and its indexes the names of those they are like."""
        names = {_shape(row["indexdef"]): row["indexname"] for row in await connection.fetch(INDEXES, table)}
        made = {_shape(row["indexdef"]): row["indexname"] for row in await connection.fetch(INDEXES, table + SUFFIX)}
        await connection.execute(f"drop table {table}")
        await connection.execute(f"alter table {table}{SUFFIX} rename to {table}")
        for shape, name in made.items():
            await connection.execute(f"alter index {name} rename to {names[shape]}")


def _shape(definition: str) -> str:
    """An index's definition without its own name and its table's."""
    return re.sub(r" INDEX \S+ ON \S+ ", " INDEX ON ", definition)
