"""The inventory among others: commands in, answers out, on a real database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from chassis.rebuild import Rebuild
from inventory.domain.holding import holding
from inventory.domain.reservation_events import Line, Reserve
from inventory.domain.shelves import Stock
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Configure, Receive
from inventory.service import build
from inventory.settings import Settings
from soko_contracts.catalog import ProductCreated, Variant, VariantCreated
from soko_contracts.inventory import (
    BackorderFilled,
    CommitStock,
    ExtendReservation,
    ReleaseStock,
    ReservationExpiring,
    ReserveStock,
    StockCommitted,
    StockLevel,
    StockLine,
    StockLow,
    StockRejected,
    StockReleased,
    StockReserved,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

HERE = Context("test", "test", "test")


@dataclass
class Catalog:
    """Stands where the catalog would: knows ``skus`` with their initial stock, and counts how often it is asked."""

    skus: dict[str, int | None] = field(default_factory=dict)
    asked: int = 0
    down: bool = False

    def app(self) -> Starlette:
        async def variants(request: Request) -> JSONResponse:
            self.asked += 1
            if self.down:
                return JSONResponse({}, 503)
            wanted = request.query_params.getlist("sku")
            items = [{"sku": sku, "initial_stock": self.skus[sku]} for sku in wanted if sku in self.skus]
            return JSONResponse({"items": items, "missing": [sku for sku in wanted if sku not in self.skus]})

        return Starlette(routes=[Route("/internal/v1/variants", variants)])


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
async def shop(running: Callable[..., Any], catalog: Catalog) -> AsyncIterator[Harness]:
    """Twenty kettles, six cups."""
    async with running(build, Settings, peers={"catalog": catalog.app()}) as harness:
        await harness.deliver(product("KET", 20), subject="p-KET")
        await harness.deliver(product("CUP", 6), subject="p-CUP")
        harness.recorder.envelopes.clear()
        yield harness


def variant(sku: str) -> Variant:
    return Variant(
        variant_id=f"v-{sku}", product_id=f"p-{sku}", sku=sku, name=sku, price=100, currency="KES", active=True
    )


def product(sku: str, initial: int) -> ProductCreated:
    return ProductCreated(
        product_id=f"p-{sku}",
        slug=sku.lower(),
        name=sku,
        description="",
        brand=None,
        status="active",
        category_ids=(),
        price=100,
        currency="KES",
        variants=(variant(sku),),
        initial_stock={sku: initial},
    )


def reserve(shop: Harness, order_id: str, **quantities: int) -> ReserveStock:
    lines = tuple(StockLine(sku=sku, quantity=quantity) for sku, quantity in quantities.items())
    return ReserveStock(order_id=order_id, lines=lines, expires_at=shop.clock() + timedelta(minutes=20))


async def arrive(shop: Harness, *messages: Any) -> None:
    """Messages about orders come in, and nobody works on them yet."""
    await shop.service.receive([shop.envelope(message, subject=message.order_id) for message in messages])


async def units(shop: Harness, sku: str) -> tuple[int, int]:
    """On hand and reserved, as folded and as shown."""
    state: Stock = (await shop.service.load(stock, sku)).state
    row = await shop.service.database.pool.fetchrow("select * from stock where sku = $1", sku)
    assert row is not None
    assert (row["on_hand"], row["reserved"], row["available"]) == (state.on_hand, state.reserved, state.available)
    return state.on_hand, state.reserved


LEDGER = """
select on_hand, reserved, shortage, coalesce((select sum(delta) from movements where sku = stock.sku), 0) as moved
from stock
"""


async def balanced(shop: Harness) -> None:
    """What always holds: the movements add up to what is on hand; nothing is reserved that is not there; replay
    equals live.
    """
    pool = shop.service.database.pool
    for row in await pool.fetch(LEDGER):
        assert row["moved"] == row["on_hand"] >= 0
        assert 0 <= row["reserved"] <= row["on_hand"] + row["shortage"]
    assert await pool.fetchval("select count(*) from inbox") == 0
    rebuilt = await Rebuild(shop.service).run()
    views = ("stock", "movements", "shelves", "transfers", "locations")
    assert [(each.table, each.differed) for each in rebuilt] == [(table, False) for table in views]


async def test_an_order_is_reserved_and_sold(shop: Harness) -> None:
    await shop.deliver(reserve(shop, "o", KET=2, CUP=1), subject="o")
    assert await units(shop, "KET") == (20, 2)
    await shop.deliver(CommitStock(order_id="o"), subject="o")
    lines = (StockLine(sku="CUP", quantity=1), StockLine(sku="KET", quantity=2))
    assert [message for message in shop.sent if not isinstance(message, StockLevel | StockLow)] == [
        StockReserved(order_id="o", lines=lines, expires_at=shop.clock() + timedelta(minutes=20)),
        StockCommitted(order_id="o", lines=lines),
    ]
    assert await units(shop, "KET") == (18, 0)
    assert await units(shop, "CUP") == (5, 0)
    await balanced(shop)


async def test_who_waits_for_units_is_asked_as_soon_as_they_have_come(shop: Harness) -> None:
    await shop.service.execute(stock, "CUP", Configure(backorder_limit=3), HERE)
    await shop.deliver(reserve(shop, "o", CUP=8), CommitStock(order_id="o"), subject="o")
    assert await units(shop, "CUP") == (6, 8)
    await shop.service.execute(stock, "CUP", Receive(2), HERE)
    await shop.settle()
    filled = BackorderFilled(order_id="o", sku="CUP", quantity=2)
    assert shop.sent[-1] == filled
    await shop.deliver(filled, subject="CUP")
    assert shop.sent[-1] == ReservationExpiring(order_id="o", expires_at=shop.clock())
    await shop.deliver(CommitStock(order_id="o"), subject="o")
    assert await units(shop, "CUP") == (0, 0)
    await balanced(shop)


async def test_answers_are_counted_by_the_order_and_levels_by_the_sku(shop: Harness) -> None:
    await shop.deliver(reserve(shop, "o", CUP=1), subject="o")
    answer, level, low = shop.recorder.envelopes
    assert (answer.subject, answer.sequence) == ("o", 1)
    assert level.subject == low.subject == "CUP"
    assert level.sequence + 1 == low.sequence
    assert shop.sent[1] == StockLevel(sku="CUP", on_hand=6, reserved=1, available=5)
    assert shop.sent[2] == StockLow(sku="CUP", available=5, threshold=5)


async def test_a_hundred_orders_in_one_batch_for_twenty_units_hold_exactly_twenty(shop: Harness) -> None:
    await arrive(shop, *(reserve(shop, f"o{n}", KET=1) for n in range(100)))
    assert await shop.service.work_once() == 100
    await shop.settle()
    assert Counter(type(message) for message in shop.sent if hasattr(message, "order_id")) == {
        StockReserved: 20,
        StockRejected: 80,
    }
    assert await units(shop, "KET") == (20, 20)
    won = [message.order_id for message in shop.sent if isinstance(message, StockReserved)]
    await arrive(shop, *(CommitStock(order_id=order_id) for order_id in won))
    await shop.settle()
    assert await units(shop, "KET") == (0, 0)
    await balanced(shop)


async def test_a_hundred_orders_side_by_side_each_in_its_own_transaction_hold_exactly_twenty(shop: Harness) -> None:
    expires_at = shop.clock() + timedelta(minutes=20)
    orders = [Reserve(f"o{n}", (Line("KET", 1),), expires_at, 60) for n in range(100)]
    await asyncio.gather(*(shop.service.execute_many(holding, order, HERE) for order in orders))
    await shop.settle()
    assert sum(isinstance(message, StockReserved) for message in shop.sent) == 20
    assert await units(shop, "KET") == (20, 20)
    await balanced(shop)


async def test_orders_and_receipts_of_one_sku_at_the_same_time_lose_nothing(shop: Harness) -> None:
    async def receive_goods() -> None:
        for _ in range(10):
            await shop.service.execute(stock, "KET", Receive(1), HERE)

    async def work() -> None:
        for n in range(30):
            await arrive(shop, reserve(shop, f"o{n}", KET=1))
            await shop.service.work_once()

    await asyncio.gather(receive_goods(), receive_goods(), work())
    await shop.settle()
    on_hand, reserved = await units(shop, "KET")
    assert on_hand == 40
    assert reserved == sum(isinstance(message, StockReserved) for message in shop.sent)
    assert 20 <= reserved <= 30
    await balanced(shop)


async def test_a_sku_that_sold_a_lot_is_loaded_from_a_snapshot(shop: Harness) -> None:
    await shop.service.execute(stock, "KET", Receive(200), HERE)
    await arrive(shop, *(reserve(shop, f"o{n}", KET=1) for n in range(130)))
    await shop.settle()
    live = await shop.service.load(stock, "KET")
    snapshot = await shop.service.database.pool.fetchval("select version from snapshots where stream = 'stock-KET'")
    assert snapshot >= 100
    fresh = build(shop.service.settings, shop.service.world)  # type: ignore[arg-type]
    await fresh.database.start()
    try:
        read = await fresh.load(stock, "KET")
        assert (read.version, read.state) == (live.version, live.state)
    finally:
        await fresh.database.stop()


async def test_a_release_that_comes_first_turns_the_reserve_away(shop: Harness) -> None:
    await shop.deliver(ReleaseStock(order_id="o"), subject="o")
    await shop.deliver(reserve(shop, "o", KET=1), subject="o")
    assert shop.sent == [StockReleased(order_id="o", lines=()), StockRejected(order_id="o", shortages=())]
    assert await units(shop, "KET") == (20, 0)


async def test_a_release_after_the_commit_shows_as_returned(shop: Harness) -> None:
    await shop.deliver(reserve(shop, "o", KET=2), CommitStock(order_id="o"), ReleaseStock(order_id="o"), subject="o")
    assert await units(shop, "KET") == (20, 0)
    rows = await shop.service.database.pool.fetch(
        "select reason, delta, reference from movements where sku = 'KET' order by version"
    )
    assert [tuple(row) for row in rows] == [
        ("received", 20, "initial stock"),
        ("sold", -2, "o"),
        ("returned", 2, "o"),
    ]


async def test_inventory_asks_the_order_until_it_is_answered(shop: Harness) -> None:
    await shop.deliver(reserve(shop, "o", KET=1), subject="o")
    shop.recorder.envelopes.clear()
    shop.clock.advance(timedelta(minutes=19, seconds=59))
    await shop.settle()
    assert shop.sent == []
    shop.clock.advance(timedelta(seconds=1))
    await shop.settle()
    shop.clock.advance(timedelta(minutes=1))
    await shop.settle()
    assert [type(message) for message in shop.sent] == [ReservationExpiring] * 2
    later = shop.clock() + timedelta(minutes=30)
    await shop.deliver(ExtendReservation(order_id="o", expires_at=later), subject="o")
    shop.clock.advance(timedelta(minutes=29))
    await shop.settle()
    assert len(shop.sent) == 2
    shop.clock.advance(timedelta(minutes=1))
    await shop.settle()
    assert shop.sent[2:] == [ReservationExpiring(order_id="o", expires_at=later)]
    assert await units(shop, "KET") == (20, 1)
    await shop.deliver(ReleaseStock(order_id="o"), subject="o")
    shop.clock.advance(timedelta(hours=2))
    await shop.settle()
    assert isinstance(shop.sent[-1], StockReleased)


async def test_an_unknown_sku_is_asked_for_at_the_catalog_and_the_order_answered_then(
    shop: Harness, catalog: Catalog
) -> None:
    catalog.skus["NEW"] = 8
    await shop.deliver(reserve(shop, "o", NEW=3, KET=1), subject="o")
    assert catalog.asked == 1
    assert [type(message) for message in shop.sent] == [StockLevel, StockReserved, StockLevel, StockLow]
    assert (await units(shop, "NEW"), await units(shop, "KET")) == ((8, 3), (20, 1))
    await shop.deliver(product("NEW", 8), subject="p-NEW")
    assert await units(shop, "NEW") == (8, 3)


async def test_what_the_catalog_does_not_know_either_is_rejected(shop: Harness, catalog: Catalog) -> None:
    await shop.deliver(reserve(shop, "o", GONE=3, KET=1), subject="o")
    (answer,) = shop.sent
    assert [(short.sku, short.requested, short.available) for short in answer.shortages] == [("GONE", 3, 0)]
    assert await units(shop, "KET") == (20, 0)


async def test_a_catalog_that_is_down_is_asked_again_until_it_answers(shop: Harness, catalog: Catalog) -> None:
    catalog.skus["NEW"], catalog.down = 8, True
    await shop.deliver(reserve(shop, "o", NEW=3), subject="o")
    assert (shop.sent, catalog.asked) == ([], 1)
    catalog.down = False
    shop.clock.advance(timedelta(seconds=1))
    await shop.settle()
    assert isinstance(shop.sent[-1], StockReserved | StockLevel | StockLow)
    assert await units(shop, "NEW") == (8, 3)


async def test_a_catalog_that_stays_down_is_given_up_and_the_order_answered(shop: Harness, catalog: Catalog) -> None:
    catalog.down = True
    await shop.deliver(reserve(shop, "o", NEW=3), subject="o")
    for _ in range(10):
        shop.clock.advance(timedelta(minutes=5))
        await shop.settle()
    assert catalog.asked == 8
    assert [type(message) for message in shop.sent] == [StockRejected]


async def test_a_new_variant_is_listed_with_its_initial_stock(shop: Harness) -> None:
    fields = {name: getattr(variant("MUG"), name) for name in variant("MUG").__dataclass_fields__}
    await shop.deliver(VariantCreated(**fields, initial_stock=4), subject="p-MUG")
    assert await units(shop, "MUG") == (4, 0)
    await shop.deliver(VariantCreated(**fields, initial_stock=4), subject="p-MUG")
    assert await units(shop, "MUG") == (4, 0)
