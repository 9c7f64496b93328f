"""The bitmaps, kept as the products are: what has changed since is read by whoever needs them, right before.

A trigger notes on each row the transaction that wrote it last. Whatever a reading did not see was written by a
transaction that had not ended when it began: the next reads what these and all later ones wrote.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from chassis.service import Service
from chassis.unit import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.bitmaps import Bitmaps, Facet, places_of

CHUNK = 500
"""Products one statement reads: some milliseconds in which nobody else is served."""
STATUS: Final[Facet] = ("status", "")
FLAGS: Final[Facet] = ("flag", "")
CATEGORY: Final[Facet] = ("category", "")
BRAND: Final[Facet] = ("brand", "")
"""Pairs: in small letters, and as it is written."""
BAND: Final[Facet] = ("price", "")
STARS: Final[Facet] = ("rating", "")
PRICE_PLACES: Final[Facet] = ("price's places", "")
RATING_PLACES: Final[Facet] = ("rating's places", "")
ATTRIBUTE: Final = "attribute"

BOUNDS: Sequence[int] = [digit * 10**power for power in range(15) for digit in (1, 2, 5)]
"""Minor units: where one band of prices ends and the next begins."""
YES_OR_NO: Final = ("listed", "featured", "in_stock", "on_sale")

# Rows of a database restored from a copy name transactions of the server that they came from: they are read when all
# are, and later only when they have been written here.
NEXT = """
SELECT number, changed, status, listed, featured, in_stock, current_percent IS NOT NULL AS on_sale, category_ids,
    brand, lower(brand) AS brand_key, current_price, rated, attributes::text AS attributes,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS unfinished
FROM products
WHERE (changed, number) > ($1::bigint, $2::integer) AND changed < CASE
    WHEN $3::boolean THEN pg_snapshot_xmax(pg_current_snapshot())::text::bigint ELSE 9223372036854775807 END
ORDER BY changed, number LIMIT $4::integer
"""


class KeptBitmaps:
    """The bitmaps of one database, for this process."""

    def __init__(self, bitmaps: Bitmaps | None = None, chunk: int = CHUNK) -> None:
        self._bitmaps, self._chunk = bitmaps or Bitmaps(), chunk
        self._loaded = False
        self._at = (0, 0)
        """Transaction and number of what was read last."""
        self._unfinished: int | None = None
        """While one chunk after the other is read: the first transaction that the first may not have seen."""
        self._one_at_a_time = asyncio.Lock()

    async def now(self, sql: AsyncConnection) -> Bitmaps | None:
        """As the products are now; None where more is to be read first than one request should wait for."""
        if not self._loaded:
            return None
        async with self._one_at_a_time:
            midway = self._unfinished is not None
            read = await self._read(sql)
            if midway and read < self._chunk:  # what was written behind the earlier chunks is still to be seen
                read = await self._read(sql)
        return self._bitmaps if read < self._chunk else None

    async def read_on(self, service: Service) -> int:
        """A step of the service's loop: a chunk, until all is read. How many products it had."""
        if self._loaded and self._unfinished is None:
            return 0
        async with service.database.engine.connect() as sql, self._one_at_a_time:
            return await self._read(sql)

    async def _read(self, sql: AsyncConnection) -> int:
        rows = await (await driver(sql)).fetch(NEXT, *self._at, self._loaded, self._chunk)
        if rows:
            if self._unfinished is None:
                self._unfinished = rows[0]["unfinished"]
            self._bitmaps.put((row["number"], _having(row)) for row in rows)
            self._at = rows[-1]["changed"], rows[-1]["number"]
        if len(rows) < self._chunk:
            if self._unfinished is not None:
                self._at, self._unfinished = (self._unfinished, 0), None
            self._loaded = True
        return len(rows)


def _having(row: Any) -> Iterator[tuple[Facet, Any]]:
    yield STATUS, row["status"]
    for name in YES_OR_NO:
        if row[name]:
            yield FLAGS, name
    for id_ in row["category_ids"]:
        yield CATEGORY, id_
    if row["brand"] is not None:
        yield BRAND, (row["brand_key"], row["brand"])
    yield BAND, bisect_right(BOUNDS, row["current_price"])
    yield STARS, row["rated"] // 100
    for facet, number in ((PRICE_PLACES, row["current_price"]), (RATING_PLACES, row["rated"])):
        for place in places_of(number):
            yield facet, place
    for name, value in orjson.loads(row["attributes"]).items():
        yield (ATTRIBUTE, name), value


def bitmaps_of(service: Service) -> KeptBitmaps:
    """This process's."""
    kept: KeptBitmaps = service.app.state.bitmaps
    return kept


async def keep_bitmaps(service: Service) -> int:
    """One step."""
    return await bitmaps_of(service).read_on(service)
