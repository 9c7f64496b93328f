"""Searching as one typed, and where that finds nothing, as one may have meant."""

from dataclasses import replace

from chassis.http import Paging
from chassis.service import Service
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.filters import Filters, conditions, resolved
from catalog.keeping import bitmaps_of
from catalog.listing import Found, Ordering, products_like
from catalog.suggesting import Suggested, suggested
from catalog.tables import products
from catalog.vocabulary import Vocabulary
from catalog.words import words_of


async def search_products(
    service: Service, sql: AsyncConnection, wanted: Filters, ordering: Ordering, page: Paging
) -> tuple[Found, Filters, str | None]:
    """One page, the filters that found it, and the search in its corrected words where they are not those given."""
    kept = bitmaps_of(service)
    found = await products_like(sql, kept, wanted, ordering, page)
    later = page.offset > 0 or bool(page.cursor)
    if found.products or not wanted.words or (later and await _any(sql, wanted)):
        return found, wanted, None
    words = await _vocabulary(service).corrected(service, sql, wanted.words)
    if words is None:
        return found, wanted, None
    corrected = replace(wanted, words=words)
    return await products_like(sql, kept, corrected, ordering, page), corrected, " ".join(words)


async def suggest(service: Service, sql: AsyncConnection, typed: str, most: int) -> tuple[Suggested, str | None]:
    """What ``typed`` may lead to, and its corrected words where it led to nothing."""
    found = await suggested(sql, typed, most)
    words = words_of(typed)
    if any(found) or not words:
        return found, None
    right = await _vocabulary(service).corrected(service, sql, words)
    if right is None:
        return found, None
    corrected = " ".join(right)
    return await suggested(sql, corrected, most), corrected


def _vocabulary(service: Service) -> Vocabulary:
    vocabulary: Vocabulary = service.app.state.vocabulary
    return vocabulary


async def _any(sql: AsyncConnection, wanted: Filters) -> bool:
    """Whether there is anything before the page that was asked for."""
    fitting = select(products.c.id).where(*conditions(await resolved(sql, wanted))).limit(1)
    return (await sql.execute(fitting)).first() is not None
