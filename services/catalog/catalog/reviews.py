"""Reviews: one of each customer for a product, and the product's rating that they come to.

A product's row counts its visible reviews and sums their ratings, moved by every write in its own transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chassis.calls import Asked, Calls
from chassis.http import Problem
from chassis.outcome import Outcome
from chassis.service import Service
from chassis.unit import Unit
from soko_contracts import catalog as public
from sqlalchemy import ColumnElement, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.refusals import ALREADY_REVIEWED
from catalog.tables import products, reviews

BOUGHT = text("""
SELECT EXISTS (SELECT FROM purchases p JOIN variants v ON v.id = p.variant_id
    WHERE p.customer_id = :customer AND v.product_id = :product)
""")
# The opinion stays, and nothing says whose it was.
ERASE = """
UPDATE reviews SET customer_id = 'erased-' || id, author = null, title = '', body = '' WHERE customer_id = $1
"""
ERASE_PURCHASES = "DELETE FROM purchases WHERE customer_id = $1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reviews: null does not ask. ``hidden`` ones are seen by staff and by whose they are."""

    product_id: str | None = None
    customer_id: str | None = None
    rating: int | None = None
    hidden: bool | None = False


async def post_review(unit: Unit, review: dict[str, Any]) -> None:
    """A new one. Raises a 409 where this customer has one for the product."""
    bought = {"customer": review["customer_id"], "product": review["product_id"]}
    row = {
        **review,
        "verified_purchase": await unit.sql.scalar(BOUGHT, bought),
        "hidden": False,
        "sequence": 1,
        "created_at": unit.now,
        "updated_at": unit.now,
    }
    put = insert(reviews).values(row).on_conflict_do_nothing(constraint="reviews_one_each").returning(reviews)
    made = (await unit.sql.execute(put)).first()
    if made is None:
        raise Problem(ALREADY_REVIEWED)
    await _tell(unit, made, "posted", made.rating, 1)


async def change_review(unit: Unit, before: Row[Any], changes: dict[str, Any]) -> None:
    """Another opinion, or hidden from now on, or shown again. The row is locked."""
    if all(getattr(before, name) == value for name, value in changes.items()):
        return
    values = {**changes, "sequence": before.sequence + 1, "updated_at": unit.now}
    changed = update(reviews).where(reviews.c.id == before.id).values(values).returning(reviews)
    after = (await unit.sql.execute(changed)).one()
    status = "changed"
    if after.hidden != before.hidden:
        status = "hidden" if after.hidden else "shown"
    rating = _counted(after) - _counted(before)
    await _tell(unit, after, status, rating, int(before.hidden) - int(after.hidden))


async def delete_review(unit: Unit, before: Row[Any]) -> None:
    """The customer may write another. The row is locked."""
    await unit.sql.execute(reviews.delete().where(reviews.c.id == before.id))
    await _tell(unit, before, "deleted", -_counted(before), -int(not before.hidden), before.sequence + 1)


def _counted(review: Row[Any]) -> int:
    return 0 if review.hidden else review.rating


async def _tell(
    unit: Unit, review: Row[Any], status: str, rating: int, count: int, sequence: int | None = None
) -> None:
    """Move the product's rating by so much, and tell what it has come to."""
    moved = (
        update(products)
        .where(products.c.id == review.product_id)
        .values(rating_sum=products.c.rating_sum + rating, review_count=products.c.review_count + count)
        .returning(products.c.rating_sum, products.c.review_count)
    )
    total = (await unit.sql.execute(moved)).one()
    message: Any = public.ReviewPosted(
        review_id=review.id,
        product_id=review.product_id,
        status=status,
        rating=review.rating,
        verified_purchase=review.verified_purchase,
        rating_total=total.rating_sum,
        review_count=total.review_count,
        posted_at=review.created_at,
    )
    unit.send(message, subject=review.id, sequence=sequence or review.sequence)


async def review_by_id(sql: AsyncConnection, id_: str, *, lock: bool = False) -> Row[Any] | None:
    """One review."""
    found = select(reviews).where(reviews.c.id == id_)
    return (await sql.execute(found.with_for_update() if lock else found)).first()


async def reviews_page(
    sql: AsyncConnection, wanted: Wanted, order: list[tuple[str, bool]], limit: int, offset: int
) -> tuple[list[Row[Any]], int]:
    """One page, and how many there are."""
    conditions = [
        reviews.c[name] == value
        for name in ("product_id", "customer_id", "rating", "hidden")
        if (value := getattr(wanted, name)) is not None
    ]
    by: list[ColumnElement[Any]] = [reviews.c[name].desc() if down else reviews.c[name].asc() for name, down in order]
    page = select(reviews).where(*conditions).order_by(*by).limit(limit).offset(offset)
    total = await sql.scalar(select(func.count()).select_from(reviews).where(*conditions))
    return list(await sql.execute(page)), total or 0


async def erase(asked: Asked, service: Service) -> Iterable[Outcome]:
    """What says something about a person goes: their words, and what they bought."""
    async with service.database.pool.acquire() as connection, connection.transaction():
        await connection.execute(ERASE, asked.request["customer_id"])
        await connection.execute(ERASE_PURCHASES, asked.request["customer_id"])
    return []


calls = Calls()
calls.to("erase")(erase)
