"""Catalogs made by chance, and what a list of them shows by the plainest reckoning."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from catalog.keeping import BOUNDS
from catalog.words import words_of

WORDS = ("kettle", "lamp", "red", "blue", "steel", "travel", "kettles", "run", "running", "chef's", "usb-c", "a")
BRANDS = ("Jiko", "JIKO", "Mara", "Nuru & Co", None)
ATTRIBUTES: Mapping[str, Sequence[str]] = {"material": ("steel", "glass"), "colour": ("red", "blue", "Sand Grey")}
TREE: Mapping[str, str | None] = {"home": None, "kitchen": "home", "pots": "kitchen", "garden": "home", "toys": None}


@dataclass(frozen=True)
class Goods:
    """A product as the reckoning sees it; ``price`` is what one pays now, ``stars`` are hundredths."""

    id: str
    name: str
    brand: str | None
    description: str
    skus: tuple[str, ...]
    status: str
    listed: bool
    featured: bool
    in_stock: bool
    full_price: int
    percent: int | None
    rating_sum: int
    review_count: int
    categories: tuple[str, ...]
    attributes: Mapping[str, str]
    created_at: datetime

    @property
    def price(self) -> int:
        return self.full_price if self.percent is None else (self.full_price * (100 - self.percent) + 50) // 100

    @property
    def rated(self) -> int:
        # Half up, in whole numbers.
        return (self.rating_sum * 200 + self.review_count) // (2 * self.review_count) if self.review_count else 0


def some_goods(chance: Random, count: int, now: datetime) -> list[Goods]:
    """Small vocabularies, so that ties and overlaps are many."""
    return [_one(chance, at, now) for at in range(count)]


def _one(chance: Random, at: int, now: datetime) -> Goods:
    reviews = chance.choice((0, 0, 1, 2, 3, 7))
    return Goods(
        id=f"{chance.randrange(16**8):08x}-{at}",
        name=" ".join(chance.choices(WORDS, k=chance.randint(1, 3))).capitalize(),
        brand=chance.choice(BRANDS),
        description=" ".join(chance.choices(WORDS, k=chance.randint(0, 6))),
        skus=tuple(f"{chance.choice(('KET', 'LMP'))}-{at}.{n}" for n in range(chance.randint(1, 2))),
        status=chance.choice(("active", "active", "active", "draft", "archived")),
        listed=chance.random() < 0.9,
        featured=chance.random() < 0.3,
        in_stock=chance.random() < 0.7,
        full_price=chance.choice((0, 99, 100, 1999, 2000, 2001, 150_000)),
        percent=chance.choice((None, None, 10, 50)),
        rating_sum=sum(chance.randint(1, 5) for _ in range(reviews)),
        review_count=reviews,
        categories=tuple(chance.sample(sorted(TREE), k=chance.randint(0, 3))),
        attributes={name: chance.choice(values) for name, values in ATTRIBUTES.items() if chance.random() < 0.6},
        created_at=now - timedelta(minutes=chance.randint(0, 5)),
    )


def with_all_above(names: Sequence[str]) -> set[str]:
    """These categories and those above them."""
    found = set[str]()
    for name in names:
        step: str | None = name
        while step is not None:
            found.add(step)
            step = TREE[step]
    return found


class Reckoning:
    """What fits and in which order, one product after the other. ``stem`` is how PostgreSQL stems a word, null: not."""

    def __init__(self, goods: Sequence[Goods], stem: Mapping[str, str | None], rank: Mapping[str, float]) -> None:
        self.goods, self._stem, self._rank = goods, stem, rank

    def fitting(self, query: Mapping[str, Any]) -> list[Goods]:
        return [each for each in self.goods if self._fits(each, query)]

    def ordered(self, query: Mapping[str, Any], ordering: Sequence[tuple[str, bool]]) -> list[str]:
        found = self.fitting(query)
        keys: dict[str, Any] = {
            "price": lambda each: each.price,
            "name": lambda each: each.name.lower(),
            "created_at": lambda each: each.created_at,
            "rating": lambda each: each.rated,
            "relevance": lambda each: -self._rank[each.id],
            "id": lambda each: each.id,
        }
        for name, descending in reversed(ordering):
            found.sort(key=keys[name], reverse=descending)
        return [each.id for each in found]

    def facets(self, query: Mapping[str, Any]) -> dict[str, Any]:
        def others(*own: str) -> list[Goods]:
            return self.fitting({name: value for name, value in query.items() if name not in own})

        attributes = {
            name: _counts(each.attributes[name] for each in others(f"attributes.{name}") if name in each.attributes)
            for name in ATTRIBUTES
        }
        rated = [each.rated for each in others("min_rating")]
        return {
            "categories": _counts(name for each in others("category") for name in with_all_above(each.categories)),
            "brands": _counts(each.brand.lower() for each in others("brand") if each.brand),
            "prices": _counts(_band(each.price) for each in others("min_price", "max_price")),
            "ratings": {stars: sum(each >= stars * 100 for each in rated) for stars in (4, 3, 2, 1)},
            "attributes": {name: counts for name, counts in attributes.items() if counts},
        }

    def _fits(self, each: Goods, query: Mapping[str, Any]) -> bool:
        return all(self._passes(each, name, value) for name, value in query.items()) and (
            each.status in query.get("status", ["active"])
            and (each.listed or query.get("status", ["active"]) != ["active"])
        )

    def _passes(self, each: Goods, name: str, value: Any) -> bool:
        match name:
            case "status":
                return each.status in value
            case "category":
                return bool(with_all_above(each.categories) & set(value))
            case "brand":
                return (each.brand or "").lower() in {one.lower() for one in value}
            case "min_price":
                return bool(each.price >= value)
            case "max_price":
                return bool(each.price <= value)
            case "in_stock" | "featured":
                return bool(getattr(each, name) is value)
            case "on_sale":
                return (each.percent is not None) is value
            case "min_rating":
                return bool(each.rated >= value)
            case "search":
                return self.finds(each, value)
        return each.attributes.get(name.removeprefix("attributes.")) in value

    def finds(self, each: Goods, search: str) -> bool:
        """All words as written, or all that have a stem by their stems; each of two letters may be a beginning."""
        words = words_of(search)
        text = words_of(" ".join((each.name, each.brand or "", each.description)), most=1000)
        stems = [stem for word in text if (stem := self._stem[word])]
        there = {*text, *stems, *words_of(" ".join(each.skus))}
        meant = [stem for word in words if (stem := self._stem[word])]
        return any(
            bool(asked) and all(any(_begins(one, word) for one in there) for word in asked) for asked in (words, meant)
        )


def _begins(word: str, asked: str) -> bool:
    return word.startswith(asked) if len(asked) > 1 else word == asked


def _band(price: int) -> tuple[int, int]:
    return max((bound for bound in BOUNDS if bound <= price), default=0), min(
        bound for bound in BOUNDS if bound > price
    ) - 1


def _counts(values: Iterator[Any] | Any) -> dict[Any, int]:
    return dict(Counter(values))
