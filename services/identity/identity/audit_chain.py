"""The chain of the audit: each row's hash covers the row and the hash before it.

Rows are numbered when they are committed and can be seen, by one process at a time: so numbers have no gaps, and a row
that is missing shows. Whoever can write to the database can write the whole chain anew: keep its last number and hash
elsewhere, and ``verify`` compares them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from chassis import numbering
from chassis.sealing import Connected
from chassis.service import Service

WAITING = "SELECT EXISTS (SELECT FROM audit WHERE number IS NULL)"
LAST = "SELECT number, hash FROM audit WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
UNNUMBERED = "SELECT * FROM audit WHERE number IS NULL ORDER BY arrival LIMIT $1"
NUMBER = """
UPDATE audit SET number = given.number, hash = given.hash
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS given (arrival, number, hash)
WHERE audit.arrival = given.arrival
"""
COUNT = "SELECT count(number), count(*) - count(number) FROM audit"
CHAIN = "SELECT * FROM audit WHERE number IS NOT NULL ORDER BY number, arrival"

PAGE = 1000


def link(before: str, number: int, row: Mapping[str, Any]) -> str:
    """The hash of a row that stands at ``number`` behind the one with the hash ``before``."""
    facts = [number, row["arrival"], row["created_at"].isoformat(), row["kind"], row["user_id"], row["by_id"]]
    told = orjson.dumps([before, *facts, orjson.loads(row["details"])], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(told).hexdigest()


async def number_once(service: Service) -> int:
    """Number and chain what has been written. Answers whether there may be more."""
    return await numbering.number_once(service, "identity.audit", WAITING, _number)


async def _number(connection: Connected, most: int) -> int:
    number, hash_ = await connection.fetchrow(LAST) or (0, "")
    rows, given = await connection.fetch(UNNUMBERED, most), []
    for number, row in enumerate(rows, number + 1):  # noqa: B020 - it goes on from the last
        hash_ = link(hash_, number, row)
        given.append((row["arrival"], number, hash_))
    await connection.execute(NUMBER, *zip(*given, strict=True))
    return len(rows)


@dataclass(frozen=True, slots=True)
class Verified:
    """How far the chain holds: ``number`` and ``hash`` of its last good row. ``waiting``: rows without numbers yet."""

    number: int
    hash: str
    waiting: int
    fault: str | None = None


async def verify(
    connection: "asyncpg.Connection[Any]", tell: Callable[[int, int], None], kept: tuple[int, str] | None = None
) -> Verified:
    """Read the chain up to its first fault. ``kept``: the number and hash that an earlier reading ended with."""
    number, hash_ = 0, ""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows, waiting = await connection.fetchrow(COUNT) or (0, 0)
        async for row in connection.cursor(CHAIN, prefetch=PAGE):
            if fault := _fault(number, hash_, row, kept):
                return Verified(number, hash_, waiting, fault)
            number, hash_ = row["number"], row["hash"]
            if number % PAGE == 0:
                tell(number, rows)
    if kept and number < kept[0]:
        return Verified(number, hash_, waiting, f"Rows {number + 1} to {kept[0]} are missing at the end.")
    return Verified(number, hash_, waiting)


def _fault(number: int, hash_: str, row: Mapping[str, Any], kept: tuple[int, str] | None) -> str | None:
    here = row["number"]
    if here <= number:
        return f"Row {here} is there twice."
    if here > number + 1:
        return f"Row {number + 1} is missing."
    if row["hash"] != link(hash_, here, row):
        return f"Row {here} is not what was written, or not where it was written."
    if kept and here == kept[0] and row["hash"] != kept[1]:
        return f"Row {here} has another hash than was kept: the chain up to it was written anew."
    return None
