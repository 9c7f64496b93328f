"""The products that fit, by the bitmaps: how many they are, which of them come first, and what facets they have.

``conditions`` says the same to PostgreSQL, ``facets.py`` how it counts facets: each can do without the other.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.bitmaps import Bitmaps, Facet, NotHeld, bits_of, numbers_in, without
from catalog.filters import Filters, conditions
from catalog.keeping import (
    ATTRIBUTE,
    BAND,
    BRAND,
    CATEGORY,
    FLAGS,
    PRICE_PLACES,
    RATING_PLACES,
    STARS,
    STATUS,
    KeptBitmaps,
)
from catalog.tables import products

ORDERED: Mapping[str, Facet] = {"price": PRICE_PLACES, "rating": RATING_PLACES}
MOST_FIRST = 1000
"""Rows named by their numbers in one statement."""


class Counted(NamedTuple):
    """One value of a facet; ``name`` is an attribute's."""

    facet: str
    name: str
    value: str
    found: int


class Fitting:
    """Products that fit filters whose categories are resolved; ``found`` are those that have a search's words.

    Every method raises ``NotHeld``.
    """

    def __init__(self, bitmaps: Bitmaps, filters: Filters, found: int | None = None) -> None:
        self._bitmaps = bitmaps
        self._every = _plain(bitmaps, filters) if found is None else _plain(bitmaps, filters) & found
        self._own = dict(_own(bitmaps, filters, self._every))

    def all(self, but: Facet | None = None) -> int:
        """All that fit, or would without the filter of this facet."""
        fit = self._every
        for facet, those in self._own.items():
            if facet != but:
                fit &= those
        return fit

    def first(self, name: str, count: int, *, descending: bool, behind: int | None) -> tuple[list[int], bool] | None:
        """The numbers of the first so many by price or rating, and of who ties; whether there are so many.

        ``behind``: from this price or rating on. None where they are too many to be named.
        """
        places, fit = ORDERED[name], self.all()
        if behind is not None:
            below, up_to = (self._bitmaps.up_to(places, most, fit) for most in (behind - 1, behind))
            count += without(up_to, below).bit_count()
            fit = up_to if descending else without(fit, below)
        first = self._bitmaps.first(places, count, fit, descending=descending)
        found = first.bit_count()
        return (numbers_in(first), found >= count) if found <= MOST_FIRST else None

    def counted(self, kind: str, parents: Mapping[str, str | None]) -> Iterator[Counted]:
        """How many there are of each value of these facets."""
        match kind:
            case "category":
                yield from _counts(kind, self._in_all_above(parents))
            case "brand":
                yield from _counts(kind, self._brands())
            case "price":
                yield from _counts(kind, self._among(BAND))
            case "rating":
                yield from _counts(kind, self._among(STARS, but=RATING_PLACES))
            case "attribute":
                if given_up := [name for one, name in self._bitmaps.given_up if one == ATTRIBUTE]:
                    raise NotHeld(given_up)
                for name in self._bitmaps.names(ATTRIBUTE):
                    yield from _counts(kind, self._among((ATTRIBUTE, name)), name)

    def _among(self, facet: Facet, but: Facet | None = None) -> Iterator[tuple[Any, int]]:
        fit = self.all(but or facet)
        for value, bits in self._bitmaps.values(facet).items():
            if there := bits & fit:
                yield value, there

    def _brands(self) -> Iterable[tuple[str, int]]:
        found = dict[str, tuple[str, int]]()
        for value, bits in self._among(BRAND):
            key, written = value
            first, others = found.get(key, (written, 0))
            found[key] = min(first, written), bits | others
        return found.values()

    def _in_all_above(self, parents: Mapping[str, str | None]) -> Iterable[tuple[str, int]]:
        found = dict[str, int]()
        for value, bits in self._among(CATEGORY):
            step: str | None = str(value)
            while step is not None:
                found[step] = found.get(step, 0) | bits
                step = parents.get(step)
        return found.items()


def _counts(kind: str, found: Iterable[tuple[Any, int]], name: str = "") -> Iterator[Counted]:
    for value, bits in found:
        yield Counted(kind, name, str(value), bits.bit_count())


def _plain(bitmaps: Bitmaps, filters: Filters) -> int:
    """By the filters that no facet has for its own."""
    fit = bitmaps.having(STATUS, *filters.statuses)
    wanted = {"in_stock": filters.in_stock, "on_sale": filters.on_sale, "featured": filters.featured}
    if filters.statuses == ("active",):
        wanted["listed"] = True
    for name, yes in wanted.items():
        if yes is not None:
            those = bitmaps.having(FLAGS, name)
            fit = fit & those if yes else without(fit, those)
    return fit


def _own(bitmaps: Bitmaps, filters: Filters, every: int) -> Iterator[tuple[Facet, int]]:
    if filters.categories:
        yield CATEGORY, bitmaps.having(CATEGORY, *filters.categories)
    if filters.brands:
        wanted = {each.lower() for each in filters.brands}
        yield BRAND, bitmaps.having(BRAND, *(value for value in bitmaps.values(BRAND) if value[0] in wanted))
    if filters.max_price is not None or filters.min_price is not None:
        fit = every if filters.max_price is None else bitmaps.up_to(PRICE_PLACES, filters.max_price, every)
        yield BAND, without(fit, bitmaps.up_to(PRICE_PLACES, (filters.min_price or 0) - 1, every))
    if filters.min_rating is not None:
        yield RATING_PLACES, without(every, bitmaps.up_to(RATING_PLACES, filters.min_rating - 1, every))
    for name, values in filters.attributes.items():
        yield (ATTRIBUTE, name), bitmaps.having((ATTRIBUTE, name), *values)


async def fitting(sql: AsyncConnection, kept: KeptBitmaps, filters: Filters) -> Fitting | None:
    """Those that fit filters whose categories are resolved, as they are now; None where PostgreSQL has to say it."""
    if (bitmaps := await kept.now(sql)) is None:
        return None
    found = None
    if filters.words is not None:
        having = conditions(Filters(statuses=filters.statuses, words=filters.words))
        found = bits_of(await sql.scalar(select(func.array_agg(products.c.number)).where(*having)) or ())
    try:
        return Fitting(bitmaps, filters, found)
    except NotHeld:
        return None
