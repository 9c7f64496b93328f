"""The demo products: the same number always makes the same product."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from catalog.seed_words import (
    BRANDS,
    COLOURS,
    COMES_IN,
    CONSUMED,
    DEARER,
    MATERIALS,
    PRAISE,
    PRAISE_CONSUMED,
    REGIONS,
    SERIES,
    TREE,
    Good,
)

VARIANTS = 3
"""Most variants of one demo product."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One product of the demo shop, before it has an id. Prices are whole units of money."""

    name: str
    good: str
    brand: str
    description: str
    category: tuple[str, str, str]
    price: int
    featured: bool
    attributes: dict[str, str]
    variants: tuple["SampleVariant", ...]


@dataclass(frozen=True, slots=True)
class SampleVariant:
    """``price`` is null where the product's holds."""

    sku: str
    options: dict[str, str]
    price: int | None
    stock: int


LEAVES = [
    ((top, middle, leaf), goods)
    for top, middles in TREE.items()
    for middle, leaves in middles.items()
    for leaf, goods in leaves.items()
]
PAIRS = [(brand, series) for series in SERIES for brand in BRANDS]
STEP = 89
"""Shares no factor with the number of pairs, so that steps of it meet them all."""


def demo_products(count: int) -> Iterator[Sample]:
    """The first ``count`` of them, spread evenly over the tree."""
    for number in range(count):
        yield _sample(number)


def _sample(number: int) -> Sample:
    chance = Random(f"soko {number}")  # noqa: S311 - believable, not secret
    around, leaf = divmod(number, len(LEAVES))
    path, goods = LEAVES[leaf]
    turn, which = divmod(around, len(goods))
    good = goods[which]
    # Every pair of brand and series comes once before a number has to tell products apart; each leaf starts elsewhere.
    again, pair = divmod(turn, len(PAIRS))
    brand, series = PAIRS[(pair * STEP + leaf) % len(PAIRS)]
    price = _round(chance.randint(good.low, good.high))
    consumed = path[0] in CONSUMED
    praise = chance.sample(PRAISE_CONSUMED if consumed else PRAISE, 2)
    return Sample(
        name=f"{brand} {series} {good.name}" + (f" {again + 1}" if again else ""),
        good=good.name,
        brand=brand,
        description=f"The {series} {good.name} by {brand}. {' '.join(praise)}",
        category=path,
        price=price,
        featured=chance.random() < 0.03,
        attributes=_attributes(consumed, chance),
        variants=tuple(_variants(number, good, price, chance)),
    )


def _attributes(consumed: bool, chance: Random) -> dict[str, str]:
    if consumed:
        return {"origin": chance.choice(REGIONS)}
    return {"material": chance.choice(MATERIALS), "warranty": f"{chance.choice((12, 24, 36))} months"}


def _variants(number: int, good: Good, price: int, chance: Random) -> Iterator[SampleVariant]:
    sku = f"{re.sub('[^A-Z]', '', good.name.upper().split()[-1])[:3]}-{number + 1:04}"
    if good.comes is None:
        yield SampleVariant(sku, {}, None, _stock(chance))
        return
    option, values = COMES_IN[good.comes]
    chosen = chance.sample(values, VARIANTS) if values is COLOURS else values[:VARIANTS]
    for at, value in enumerate(chosen):
        own = _round(price * (10 + 4 * at) // 10) if at and good.comes in DEARER else None
        short = re.sub(r"[^A-Z0-9]", "", value.upper())[:6]
        yield SampleVariant(f"{sku}-{short}", {option: value}, own, _stock(chance))


def _stock(chance: Random) -> int:
    return 0 if chance.random() < 0.04 else chance.randint(5, 200)


def _round(price: int) -> int:
    """Shops end prices on 0 or 9."""
    return price // 10 * 10 if price < 500 else price // 50 * 50 - 1
