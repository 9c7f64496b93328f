"""Every filter, ordering and facet of the list, against the plainest reckoning over catalogs made by chance.

Found by bitmaps that hold everything, or have room for some facets only, or are not there: it is the same.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from catalog.bitmaps import MOST_BYTES, OVERHEAD, Bitmaps
from catalog.keeping import KeptBitmaps, keep_bitmaps
from catalog.listing import rank
from catalog.service import build
from catalog.settings import Settings
from catalog.words import words_of
from chassis.fixtures import Harness
from goods import ATTRIBUTES, TREE, WORDS, Goods, Reckoning, some_goods
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shelves import staff
from sqlalchemy import func, select, text
from thoroughness import runs

PRODUCTS = 80
AMOUNTS = (0, 99, 100, 1000, 1800, 2000, 2001, 75_000)
SEARCHES = (
    "ket",
    "kettles",
    "running",
    "lamp red",
    "a kettle",
    "the lamp",
    "mara",
    "LMP-3",
    "KET 12",
    "usb-c",
    "2",
    "nu co",
)
NAMES = ("price", "name", "created_at", "rating")

several = {
    "category": st.sampled_from([*TREE, "nowhere"]),
    "brand": st.sampled_from(["jiko", "Mara", "nuru & co", "other"]),
    "status": st.sampled_from(["active", "draft", "archived"]),
    **{f"attributes.{name}": st.sampled_from([*values, "other"]) for name, values in ATTRIBUTES.items()},
}
single = {
    "min_price": st.sampled_from(AMOUNTS),
    "max_price": st.sampled_from(AMOUNTS),
    "search": st.sampled_from([*SEARCHES, *WORDS]),
    "in_stock": st.booleans(),
    "on_sale": st.booleans(),
    "featured": st.booleans(),
    "min_rating": st.sampled_from([100, 250, 300, 333, 400, 500]),
}
queries = st.fixed_dictionaries(
    {},
    optional={name: st.lists(one, min_size=1, max_size=2, unique=True) for name, one in several.items()} | single,
)
orderings = st.lists(
    st.tuples(st.sampled_from([*NAMES, "relevance"]), st.booleans()), max_size=3, unique_by=lambda each: each[0]
)


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        yield harness


rooms = st.one_of(st.none(), st.just(MOST_BYTES), st.integers(1, 60).map(lambda values: values * OVERHEAD))


@given(
    seed=st.integers(0, 10**6),
    room=rooms,
    chunk=st.integers(7, 200),
    asked=st.lists(st.tuples(queries, orderings, st.integers(1, 40)), min_size=8, max_size=12),
)
# A failure says which query it was: a smaller catalog would take minutes to find.
@settings(runs(12), phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
async def test_lists_and_facets_are_what_one_would_reckon(
    shop: Harness, seed: int, room: int | None, chunk: int, asked: list[tuple[dict[str, Any], list[Any], int]]
) -> None:
    chance = Random(seed)
    goods = some_goods(chance, PRODUCTS, shop.clock())
    await _fill(shop, goods)
    shop.service.app.state.bitmaps = KeptBitmaps(Bitmaps(room or MOST_BYTES), chunk)
    while room is not None and await keep_bitmaps(shop.service):
        pass
    for query, ordering, size in asked:
        await _compare(shop, goods, query, ordering, size)
        goods = await _changed(shop, chance, goods)


async def _compare(
    shop: Harness, goods: Sequence[Goods], query: dict[str, Any], ordering: list[tuple[str, bool]], size: int
) -> None:
    search = query.get("search")
    order = [each for each in ordering if search or each[0] != "relevance"]
    given_order = {"ordering": ",".join("-" * down + name for name, down in order)} if order else {}
    if not order:
        order = [("relevance", False), ("id", False)] if search else [("created_at", True)]
    order = order if order[-1][0] == "id" else [*order, ("id", order[-1][1])]
    reckoning = Reckoning(goods, await _stems(shop, goods, search or ""), await _ranks(shop, goods, search or ""))
    expected = reckoning.ordered(query, order)
    parameters = {**_as_asked(query), **given_order}

    whole = await _ask(shop, parameters | {"limit": 100, "facets": True})
    if whole["corrected"] is not None:
        assert expected == [], query
        return
    assert [each["id"] for each in whole["items"]] == expected, (query, order)
    assert whole["total"] == len(expected)
    assert _shown(whole["facets"]) == reckoning.facets(query), query
    assert (await _ask(shop, parameters | {"limit": size}))["total"] == len(expected)
    found, step = list[str](), await _ask(shop, parameters | {"limit": size, "cursor": ""})
    while True:
        found += [each["id"] for each in step["items"]]
        if step["next"] is None:
            break
        step = (await shop.client.get(step["next"], headers=staff(shop))).json()
    assert found == expected, (query, order, size)


async def _ask(shop: Harness, parameters: Mapping[str, Any]) -> dict[str, Any]:
    answer = await shop.client.get("/api/v1/products", params=parameters, headers=staff(shop))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _as_asked(query: Mapping[str, Any]) -> dict[str, Any]:
    hundredths = {
        name: f"{query[name] / 100:.2f}" for name in ("min_price", "max_price", "min_rating") if name in query
    }
    return {**query, **hundredths}


def _shown(facets: Mapping[str, Any]) -> dict[str, Any]:
    def minor(money: Mapping[str, str]) -> int:
        return int(money["amount"].replace(".", ""))

    return {
        "categories": {each["id"]: each["count"] for each in facets["categories"]},
        "brands": {each["value"].lower(): each["count"] for each in facets["brands"]},
        "prices": {(minor(each["min_price"]), minor(each["max_price"])): each["count"] for each in facets["prices"]},
        "ratings": {each["min_rating"]: each["count"] for each in facets["ratings"]},
        "attributes": {
            name: {each["value"]: each["count"] for each in values} for name, values in facets["attributes"].items()
        },
    }


async def _fill(shop: Harness, goods: Sequence[Goods]) -> None:
    """Straight into the tables: how rows come about is tested elsewhere."""
    now = shop.clock()
    async with shop.service.database.engine.begin() as sql:
        await sql.execute(text("TRUNCATE products, categories CASCADE"))
        for name, parent in TREE.items():
            await sql.execute(
                text("INSERT INTO categories VALUES (:name, :parent, :name, :name, 1, :at, :at)"),
                {"name": name, "parent": parent, "at": now},
            )
        await sql.execute(
            text("""
                INSERT INTO products (id, slug, name, description, brand, status, listed, featured, in_stock, price,
                    current_price, current_percent, rating_sum, review_count, category_ids, skus, attributes, sequence,
                    created_at, updated_at)
                VALUES (:id, :id, :name, :description, :brand, :status, :listed, :featured, :in_stock, :full_price,
                    :price, :percent, :rating_sum, :review_count, :categories, :skus, CAST(:attributes AS jsonb), 1,
                    :created_at, :created_at)
            """),
            [_row(each) for each in goods],
        )


async def _changed(shop: Harness, chance: Random, goods: Sequence[Goods]) -> list[Goods]:
    """Some are others now."""
    others = some_goods(chance, len(goods), shop.clock())
    after = [
        replace(other, id=each.id) if chance.random() < 0.2 else each for each, other in zip(goods, others, strict=True)
    ]
    async with shop.service.database.engine.begin() as sql:
        await sql.execute(
            text("""
                UPDATE products SET name = :name, description = :description, brand = :brand, status = :status,
                    listed = :listed, featured = :featured, in_stock = :in_stock, price = :full_price,
                    current_price = :price, current_percent = :percent, rating_sum = :rating_sum,
                    review_count = :review_count, category_ids = :categories, skus = :skus,
                    attributes = CAST(:attributes AS jsonb), created_at = :created_at
                WHERE id = :id
            """),
            [_row(now) for was, now in zip(goods, after, strict=True) if now is not was],
        )
    return after


def _row(each: Goods) -> dict[str, Any]:
    return {name: getattr(each, name) for name in Goods.__dataclass_fields__} | {
        "price": each.price,
        "categories": list(each.categories),
        "skus": " ".join(each.skus),
        "attributes": str(dict(each.attributes)).replace("'", '"'),
    }


async def _stems(shop: Harness, goods: Sequence[Goods], search: str) -> dict[str, str | None]:
    texts = [search, *(" ".join((each.name, each.brand or "", each.description)) for each in goods)]
    words = sorted({word for one in texts for word in words_of(one, most=1000)})
    stem = text(
        "SELECT word, (tsvector_to_array(to_tsvector('english', word)))[1] FROM unnest(CAST(:w AS text[])) word"
    )
    async with shop.service.database.engine.connect() as sql:
        return {word: stemmed for word, stemmed in await sql.execute(stem, {"w": words})}  # noqa: C416


async def _ranks(shop: Harness, goods: Sequence[Goods], search: str) -> dict[str, float]:
    """By PostgreSQL's own ranking of each text by itself."""

    def vector(weight: str, words: str, *languages: str) -> Any:
        made = [
            func.to_tsvector(text(f"'{each}'::regconfig"), " ".join(words_of(words, most=1000))) for each in languages
        ]
        parts = [func.setweight(one, text(f"'{weight}'")) if weight else func.strip(one) for one in made]
        return parts[0].op("||")(parts[1]) if len(parts) > 1 else parts[0]

    both = ("simple", "english")
    ranks = [
        rank(
            vector("A", each.name, *both)
            .op("||")(vector("B", each.brand or "", *both))
            .op("||")(vector("C", " ".join(each.skus), "simple"))
            .op("||")(vector("", each.description, *both)),
            words_of(search),
        )
        for each in goods
    ]
    async with shop.service.database.engine.connect() as sql:
        row = (await sql.execute(select(*ranks))).one()
    return {each.id: found for each, found in zip(goods, row, strict=True)}
