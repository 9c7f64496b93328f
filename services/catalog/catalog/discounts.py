"""Discounts: so many percent off products, or off categories with all below, from a start to an end."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from chassis.unit import Unit
from soko_contracts import catalog as public
from sqlalchemy import ColumnElement, Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog import offers
from catalog.tables import discount_categories, discount_products, discounts

TARGETS = """
SELECT d.*, ARRAY(SELECT product_id FROM discount_products WHERE discount_id = d.id ORDER BY 1) AS product_ids,
    ARRAY(SELECT category_id FROM discount_categories WHERE discount_id = d.id ORDER BY 1) AS category_ids
FROM discounts d
"""
BY_ID = text(TARGETS + "WHERE id = :id")
BY_IDS = text(TARGETS + "WHERE id = ANY(:ids)")
LOCK = text("SELECT id FROM discounts WHERE id = :id FOR UPDATE")
# What has begun or is over, and has not been told; whoever else tells just now leaves the rest to us.
DUE = text("""
SELECT id FROM discounts WHERE (told = 'nothing' AND starts_at <= :now) OR (told = 'started' AND ends_at <= :now)
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
""")


class Told(StrEnum):
    """What the world knows of a discount."""

    nothing = "nothing"
    started = "started"
    ended = "ended"


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount as staff made it."""

    id: str
    name: str
    percent: int
    starts_at: datetime
    ends_at: datetime
    product_ids: tuple[str, ...]
    category_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A discount as it is stored: ``sequence`` counts what was told of it, ``version`` what was written."""

    discount: Discount
    told: Told
    sequence: int
    version: int
    created_at: datetime
    updated_at: datetime


def news(before: Kept, after: Discount, now: datetime) -> tuple[Told, list[Any]]:
    """What the world knows of ``after`` once it is told these messages.

    One that is changed while it is on is told again, as it is now; one that is moved to a later time ends for now.
    """
    on = after.starts_at <= now < after.ends_at
    if on and (before.told is not Told.started or before.discount != after):
        return Told.started, [public.DiscountStarted(**_public(after))]
    if on:
        return Told.started, []
    over = [public.DiscountEnded(**_public(after))] if before.told is Told.started else []
    if now < after.starts_at:
        return Told.nothing, over
    return Told.ended, over


def _public(discount: Discount) -> dict[str, Any]:
    return {
        "discount_id": discount.id,
        "name": discount.name,
        "percent": discount.percent,
        "starts_at": discount.starts_at,
        "ends_at": discount.ends_at,
        "product_ids": discount.product_ids,
        "category_ids": discount.category_ids,
    }


async def discount_by_id(sql: AsyncConnection, id_: str, *, lock: bool = False) -> Kept | None:
    """One discount."""
    if lock and await sql.scalar(LOCK, {"id": id_}) is None:
        return None
    row = (await sql.execute(BY_ID, {"id": id_})).first()
    return None if row is None else _kept(row)


async def discounts_page(
    sql: AsyncConnection, running: bool | None, now: datetime, limit: int, offset: int
) -> tuple[list[Kept], int]:
    """One page, the last to start first; ``running``: only those that are on now, or that are not."""
    on = (discounts.c.starts_at <= now) & (discounts.c.ends_at > now)
    wanted: list[ColumnElement[bool]] = [] if running is None else [on if running else ~on]
    page = select(discounts.c.id).where(*wanted).order_by(discounts.c.starts_at.desc(), discounts.c.id.desc())
    ids = list(await sql.scalars(page.limit(limit).offset(offset)))
    total = await sql.scalar(select(func.count()).select_from(discounts).where(*wanted)) or 0
    found = {row.id: _kept(row) for row in await sql.execute(BY_IDS, {"ids": ids})}
    return [found[id_] for id_ in ids], total


async def create_discount(unit: Unit, discount: Discount) -> None:
    """A new discount. Offers are locked (``offers.alone``)."""
    at = {"created_at": unit.now, "updated_at": unit.now}
    row = {**_row(discount), "told": Told.nothing, "sequence": 0, "version": 1, **at}
    await unit.sql.execute(insert(discounts).values(row))
    await _insert_targets(unit.sql, discount)
    await _tell(unit, Kept(discount, Told.nothing, 0, 1, unit.now, unit.now), discount)
    await _refresh(unit, discount)


async def change_discount(unit: Unit, before: Kept, after: Discount) -> None:
    """Write what differs. Offers are locked."""
    if before.discount == after:
        return
    values = {**_row(after), "version": before.version + 1, "updated_at": unit.now}
    await unit.sql.execute(update(discounts).where(discounts.c.id == after.id).values(values))
    for table in (discount_products, discount_categories):
        await unit.sql.execute(table.delete().where(table.c.discount_id == after.id))
    await _insert_targets(unit.sql, after)
    await _tell(unit, before, after)
    await _refresh(unit, before.discount, after)


async def delete_discount(unit: Unit, before: Kept) -> None:
    """Take a discount back; one that is on ends now. Offers are locked."""
    await unit.sql.execute(discounts.delete().where(discounts.c.id == before.discount.id))
    if before.told is Told.started:
        ended: Any = public.DiscountEnded(**_public(replace(before.discount, ends_at=unit.now)))
        unit.send(ended, subject=before.discount.id, sequence=before.sequence + 1)
    await _refresh(unit, before.discount)


async def tell_due(unit: Unit) -> int:
    """Tell of discounts that have begun or are over; how many there were."""
    ids = list(await unit.sql.scalars(DUE, {"now": unit.now}))
    for row in await unit.sql.execute(BY_IDS, {"ids": ids}) if ids else ():
        kept = _kept(row)
        await _tell(unit, kept, kept.discount)
    return len(ids)


async def _tell(unit: Unit, before: Kept, after: Discount) -> None:
    told, messages = news(before, after, unit.now)
    for number, message in enumerate(messages, before.sequence + 1):
        unit.send(message, subject=after.id, sequence=number)
    known = {"told": told, "sequence": before.sequence + len(messages)}
    await unit.sql.execute(update(discounts).where(discounts.c.id == after.id).values(known))


async def _refresh(unit: Unit, *concerned: Discount) -> None:
    ids = {id_ for each in concerned for id_ in each.product_ids}
    ids.update(await offers.products_below(unit.sql, [id_ for each in concerned for id_ in each.category_ids]))
    await offers.refresh_and_tell(unit.sql, sorted(ids), unit.now)


async def _insert_targets(sql: AsyncConnection, discount: Discount) -> None:
    for table, name, ids in (
        (discount_products, "product_id", discount.product_ids),
        (discount_categories, "category_id", discount.category_ids),
    ):
        if ids:
            await sql.execute(insert(table), [{"discount_id": discount.id, name: each} for each in ids])


def _row(discount: Discount) -> dict[str, Any]:
    names = ("id", "name", "percent", "starts_at", "ends_at")
    return {name: getattr(discount, name) for name in names}


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        Discount(
            row.id,
            row.name,
            row.percent,
            row.starts_at,
            row.ends_at,
            tuple(row.product_ids),
            tuple(row.category_ids),
        ),
        Told(row.told),
        row.sequence,
        row.version,
        row.created_at,
        row.updated_at,
    )
