"""The catalog's own words, against which typing errors are corrected."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.service import Service
from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.filters import Filters, conditions
from catalog.tables import products

MOST_WORDS = 50_000
"""The most frequent are kept: about 5 MB."""
SHORTEST = 3
EVERY, ANEW = timedelta(seconds=10), timedelta(hours=1)
"""How old it may be when it is needed; and when words that nothing has any more are forgotten."""
OVERLAP = timedelta(minutes=1)
"""A write that began earlier may have committed later."""

# ts_stat takes a statement as text: there is nothing in it that comes from outside.
WORDS = r"""
SELECT word, ndoc FROM ts_stat($$
    SELECT to_tsvector('simple', regexp_replace(name || ' ' || coalesce(brand, ''), '[^[:alnum:]]+', ' ', 'g'))
    FROM products WHERE status = 'active' {since}
$$) WHERE length(word) >= :shortest ORDER BY ndoc DESC, word LIMIT :most
"""


class Vocabulary:
    """The words of names and brands, read when they are first needed, and what has come since."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._read_at: datetime | None = None
        self._anew_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    async def corrected(self, service: Service, sql: AsyncConnection, words: Sequence[str]) -> tuple[str, ...] | None:
        """``words`` with those that no product has at all put right; None where that cannot be done or need not be."""
        wrong = await _found_nowhere(sql, words)
        if not wrong:
            return None
        async with self._one_at_a_time:
            await self._see(sql, service.world.clock())
        right = {word: self._nearest(word) for word in wrong}
        if not all(right.values()):
            return None
        return tuple(right.get(word) or word for word in words)

    async def _see(self, sql: AsyncConnection, now: datetime) -> None:
        if self._read_at is None or self._anew_at is None or now - self._anew_at >= ANEW:
            self._words, self._anew_at, since = Counter(), now, ""
        elif now - self._read_at < EVERY:
            return
        else:
            since = f"AND updated_at > '{(self._read_at - OVERLAP).isoformat()}'"
        rows = await sql.execute(text(WORDS.format(since=since)), {"shortest": SHORTEST, "most": MOST_WORDS})
        for word, count in rows:
            self._words[word] += count
        if len(self._words) > MOST_WORDS:
            self._words = Counter(dict(self._words.most_common(MOST_WORDS)))
        self._read_at = now

    def _nearest(self, word: str) -> str | None:
        """The most frequent of the nearest words: one letter off, or two in long ones; swapped letters count as one."""
        if len(word) < SHORTEST:
            return None
        farthest = 1 if len(word) <= 5 else 2
        found = process.extract(word, self._words.keys(), scorer=OSA.distance, score_cutoff=farthest, limit=50)
        near = [(distance, -self._words[other], other) for other, distance, _ in found]
        return min(near)[2] if near else None


async def _found_nowhere(sql: AsyncConnection, words: Sequence[str]) -> set[str]:
    """Those that no product on the list has, neither as they are nor as the beginning of a longer word."""
    # To find that there is nothing, PostgreSQL would read the table: it takes a word that nobody has for a common one.
    await sql.execute(text("SET LOCAL enable_seqscan = off"))
    looks = []
    for word in dict.fromkeys(words):
        there = select(products.c.id).where(*conditions(Filters(words=(word,))))
        looks.append(select(literal(word)).where(~there.exists()))
    return set(await sql.scalars(union_all(*looks)))
