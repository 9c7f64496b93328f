"""What makes the demo shop look used: sales that are on, and what customers say."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from chassis.unit import Unit
from soko_contracts import catalog as public
from sqlalchemy import select, text

from catalog.copying import copy_rows
from catalog.discounts import Discount, create_discount
from catalog.tables import discounts, reviews

SALES: Final = (("Bedroom Week", 15, "bedroom"), ("Sound Sale", 25, "headphones"), ("Back to School", 10, "school"))
LASTS: Final = timedelta(days=90)
REVIEWED: Final = 3_000
"""The first so many products: more opinions would say nothing new."""
OPINIONS: Final[Mapping[int, Sequence[tuple[str, str]]]] = {
    5: (("Could not be better", "We use it every day."), ("Asante!", "Came the next morning, well packed.")),
    4: (("Good", "Does what it should."), ("Would buy again", "A little smaller than I thought, but good.")),
    3: (("It is all right", "Good for the price."), ("Fine", "The colour is not quite as in the picture.")),
    2: (("Not for me", "I expected more of it."),),
    1: (("Sent it back", "It broke within a week; the money was back in two days."),),
}
AUTHORS: Final = ("Wanjiku", "Otieno", "Amina", "Kamau", "Achieng", "Njeri", "Mutua", "Zawadi", "Baraka", "Chebet")
COUNTED = text("""
UPDATE products p SET rating_sum = said.sum, review_count = said.count
FROM (
    SELECT product_id, sum(rating) AS sum, count(*) AS count FROM reviews WHERE product_id = ANY(:ids) GROUP BY 1
) AS said
WHERE p.id = said.product_id
""")


async def open_sales(unit: Unit, categories: Mapping[str, str]) -> None:
    """The demo discounts that are not there yet, on categories by slug. Offers are locked (``offers.alone``)."""
    known = set(await unit.sql.scalars(select(discounts.c.name)))
    for name, percent, slug in SALES:
        if name not in known:
            ends_at = unit.now + LASTS
            sale = Discount(unit.service.world.ids(), name, percent, unit.now, ends_at, (), (categories[slug],))
            await create_discount(unit, sale)


async def say_opinions(unit: Unit, product_ids: Mapping[int, str]) -> None:
    """Reviews of new demo products, given by their numbers."""
    said = [row for number, id_ in product_ids.items() for row in _opinions(unit, number, id_)]
    await copy_rows(unit.sql, reviews, said)
    await unit.sql.execute(COUNTED, {"ids": list(product_ids.values())})
    totals = dict[str, tuple[int, int]]()
    for row in said:
        stars, count = totals.get(row["product_id"], (0, 0))
        totals[row["product_id"]] = stars, count = stars + row["rating"], count + 1
        message: Any = public.ReviewPosted(
            review_id=row["id"],
            product_id=row["product_id"],
            status="posted",
            rating=row["rating"],
            verified_purchase=False,
            rating_total=stars,
            review_count=count,
            posted_at=row["created_at"],
        )
        unit.send(message, subject=row["id"], sequence=1)


def _opinions(unit: Unit, number: int, product_id: str) -> Iterator[dict[str, Any]]:
    chance = Random(f"soko opinions {number}")  # noqa: S311 - believable, not secret
    if number >= REVIEWED or chance.random() < 0.6:
        return
    for author in chance.sample(AUTHORS, chance.randint(1, 5)):
        (stars,) = chance.choices((5, 4, 3, 2, 1), (45, 30, 14, 7, 4))
        title, body = chance.choice(OPINIONS[stars])
        at = unit.now - timedelta(hours=chance.randint(1, 2000))
        yield {
            "id": unit.service.world.ids(),
            "product_id": product_id,
            "customer_id": unit.service.world.ids(),
            "rating": stars,
            "title": title,
            "body": body,
            "author": author,
            "verified_purchase": False,
            "hidden": False,
            "sequence": 1,
            "created_at": at,
            "updated_at": at,
        }
