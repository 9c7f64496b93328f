"""Where charges are kept: whatever is asked at the same time is decided in memory and written with one statement.

One process owns the book (an advisory lock), so what it remembers of charges is how they are; it reads only those that
it has not seen since it started.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from chassis.database import Database

from soko.cardsim.rules import Change, Charge, Entry, Refund, Refusal, shown

log = logging.getLogger(__name__)

SCHEMA = Path(__file__).with_name("schema.sql")
COMPLETE = "select to_regclass('webhooks_by_due') is not null"
OWN = "select pg_try_advisory_lock(hashtextextended('cardsim', 0))"
OWN_TRIES, OWN_EVERY = 100, 0.1
FIND = "select * from charges where id = any($1::text[]) or reference = any($2::text[])"
BY_REFERENCE = "select * from charges where reference = $1"
ANSWERING = "select id from charges where answers_at <= $1 order by answers_at limit 200"
NEXT = "select min(answers_at) from charges where answers_at is not null"
CHARGE_COLUMNS = (
    "id, reference, amount, currency, token, status, captured, refunds, reason, revision, return_url, keys, "
    "answers_at, created_at, updated_at"
)
WRITE = f"""
with entered as (
    insert into ledger (charge_id, reference, kind, refund_id, amount, currency, key, at)
    select charge_id, reference, kind, refund_id, amount, currency, key, at
    from json_populate_recordset(null::ledger, $2::json)
), queued as (
    insert into webhooks (event_id, body, due_at)
    select event_id, body, due_at from json_populate_recordset(null::webhooks, $3::json)
)
insert into charges ({CHARGE_COLUMNS})
select {CHARGE_COLUMNS} from json_populate_recordset(null::charges, $1::json)
on conflict (id) do update set status = excluded.status, captured = excluded.captured, refunds = excluded.refunds,
    reason = excluded.reason, revision = excluded.revision, keys = excluded.keys, answers_at = excluded.answers_at,
    updated_at = excluded.updated_at
"""  # the charges of a batch as they become, their lines in the ledger, and their webhooks
MOST_AT_ONCE = 200
REMEMBERED = 2_000

Decide = Callable[[Charge | None], Change | None]


@dataclass(slots=True)
class Wish:
    """One request about one charge, by its id, or by its reference where it may not be there yet."""

    charge_id: str | None
    reference: str | None
    decide: Decide
    answer: "asyncio.Future[Charge | None]"


@dataclass(slots=True)
class Book:
    """``now`` is the clock; webhooks name ``page``, where the gateway's pages are.

    ``urgent`` is called when a webhook was queued that somebody waits for, ``waiting`` when the bank has to answer.
    """

    database: Database
    now: Callable[[], datetime]
    page: str
    urgent: Callable[[], None] = lambda: None
    waiting: Callable[[], None] = lambda: None
    _wishes: list[Wish] = field(default_factory=list)
    _writer: "asyncio.Task[None] | None" = None
    _owner: "asyncpg.Connection[Any] | None" = None
    _known: "OrderedDict[str, Charge]" = field(default_factory=OrderedDict)
    _ids: dict[str, str] = field(default_factory=dict)

    async def migrate(self) -> bool:
        """Make the tables that are not there; true when there was something to do."""
        connection = await asyncpg.connect(self.database.url)
        try:
            if await connection.fetchval(COMPLETE):
                return False
            await connection.execute(SCHEMA.read_text())
        finally:
            await connection.close()
        return True

    async def find(self, charge_id: str) -> Charge | None:
        """A charge as it is now."""
        known = self._known.get(charge_id)
        return known or _first(await self.database.pool.fetch(FIND, [charge_id], []))

    async def find_reference(self, reference: str) -> Charge | None:
        """A charge by its caller's name for it."""
        return _first(await self.database.pool.fetch(BY_REFERENCE, reference))

    async def answering(self) -> list[str]:
        """Charges that the bank answers now."""
        return [row["id"] for row in await self.database.pool.fetch(ANSWERING, self.now())]

    async def change(
        self, decide: Decide, *, charge_id: str | None = None, reference: str | None = None
    ) -> Charge | None:
        """Decide on the charge as it is; answers it as it then is. Raises what ``decide`` raises."""
        loop = asyncio.get_running_loop()
        wish = Wish(charge_id, reference, decide, loop.create_future())
        self._wishes.append(wish)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        return await wish.answer

    async def close(self) -> None:
        """Write what was asked for, and let the book go."""
        if self._writer is not None:
            await self._writer
        if self._owner is not None and not self._owner.is_closed():
            await self._owner.close()

    async def own(self) -> None:
        """See that this process is the one that writes. Raises ``TimeoutError`` while another one is."""
        if self._owner is not None and not self._owner.is_closed():
            return
        self._forget()
        connection = await self.database.connect()
        for _ in range(OWN_TRIES):
            if await connection.fetchval(OWN):
                self._owner = connection
                return
            await asyncio.sleep(OWN_EVERY)
        await connection.close()
        raise TimeoutError("another card gateway runs on this database")

    async def _write(self) -> None:
        while self._wishes:
            batch, self._wishes = self._wishes[:MOST_AT_ONCE], self._wishes[MOST_AT_ONCE:]
            try:
                await self.own()
                try:
                    await self._write_batch(batch)
                except asyncpg.UniqueViolationError:
                    # A reference that was used before this process remembered it: read those, and decide again.
                    await self._read([], [wish.reference for wish in batch if wish.reference is not None])
                    await self._write_batch(batch)
            except Exception as error:
                # Whether it was written is not known: the database is, and is read again.
                self._forget()
                for wish in batch:
                    if not wish.answer.done():
                        wish.answer.set_exception(error)

    async def _write_batch(self, batch: list[Wish]) -> None:
        ids = [wish.charge_id for wish in batch if wish.charge_id is not None and wish.charge_id not in self._known]
        if ids:
            await self._read(ids, [])
        after: dict[str, Charge] = {}
        made: dict[str, str] = {}
        changes: list[Change] = []
        results: list[tuple[Wish, Charge | Exception | None]] = []
        for wish in batch:
            id_ = wish.charge_id or made.get(wish.reference or "") or self._ids.get(wish.reference or "")
            before = None if id_ is None else after.get(id_) or self._known.get(id_)
            try:
                change = wish.decide(before)
            except Exception as refusal:
                results.append((wish, refusal))
                continue
            if change is None:
                results.append((wish, before))
                continue
            changes.append(change)
            after[change.charge.id] = change.charge
            made[change.charge.reference] = change.charge.id
            results.append((wish, change.charge))
        if changes:
            await self.database.pool.execute(WRITE, *self._rows(after.values(), changes))
        for charge in after.values():
            self._remember(charge)
        for wish, result in results:
            if wish.answer.done():
                continue
            if isinstance(result, Exception):
                wish.answer.set_exception(result)
            else:
                wish.answer.set_result(result)
        if any(not delay for change in changes for delay in change.webhooks):
            self.urgent()
        if any(charge.answers_at is not None for charge in after.values()):
            self.waiting()

    def _rows(self, charges: Iterable[Charge], changes: list[Change]) -> tuple[str, str, str]:
        now, entries, webhooks = self.now(), list[dict[str, Any]](), list[dict[str, Any]]()
        for change in changes:
            charge, entry = change.charge, change.entry
            if entry is not None:
                about = {"charge_id": charge.id, "reference": charge.reference, "currency": charge.currency, "at": now}
                entries.append({name: getattr(entry, name) for name in Entry.__slots__} | about)
            if change.webhooks:
                event = {"id": f"evt_{charge.id}_{charge.revision}", "type": f"charge.{charge.status}"}
                body = orjson.dumps({**event, "charge": shown(charge, self.page)}).decode()
                webhooks += [{"event_id": event["id"], "body": body, "due_at": now + by} for by in change.webhooks]
        return _json(list(charges)), _json(entries), _json(webhooks)

    async def _read(self, ids: list[str], references: list[str]) -> None:
        for row in await self.database.pool.fetch(FIND, ids, references):
            self._remember(charge_of(row))

    def _remember(self, charge: Charge) -> None:
        self._known[charge.id] = charge
        self._known.move_to_end(charge.id)
        self._ids[charge.reference] = charge.id
        while len(self._known) > REMEMBERED:
            _, old = self._known.popitem(last=False)
            self._ids.pop(old.reference, None)

    def _forget(self) -> None:
        self._known.clear()
        self._ids.clear()


def charge_of(row: Any) -> Charge:
    """The charge in a row."""
    values = dict(row)
    values["refunds"] = tuple(Refund(**each) for each in orjson.loads(values["refunds"]))
    values["keys"] = orjson.loads(values["keys"])
    return Charge(**values)


def _first(rows: list[Any]) -> Charge | None:
    return charge_of(rows[0]) if rows else None


def _json(rows: list[Any]) -> str:
    return orjson.dumps(rows).decode()


def existing(charge: Charge | None) -> Charge:
    """The charge. Raises a 404 Refusal where there is none."""
    if charge is None:
        raise Refusal(404, "no_such_charge", "There is no such charge.")
    return charge
