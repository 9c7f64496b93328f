"""Products that are sold out: said so by the inventory's events, and off the lists where the shop wants that."""

from collections.abc import Callable
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from catalog.sold_out import list_by_stock
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, names
from soko_contracts import inventory


async def stock(shop: Harness, available: int, *skus: str) -> None:
    for sku in skus:
        level = inventory.StockLevel(sku=sku, on_hand=available, reserved=0, available=available)
        await shop.deliver(level, subject=f"stock-{sku}")


async def in_stock(shop: Harness, slug: str) -> bool:
    shown: bool = (await shop.client.get(f"/api/v1/products/{slug}")).json()["in_stock"]
    return shown


@pytest.mark.parametrize("hide", [True, False])
async def test_a_product_with_nothing_left_of_any_variant_is_sold_out(running: Callable[..., Any], hide: bool) -> None:
    peers = {"inventory": Inventory().app()}
    async with running(build, Settings, peers=peers, hide_sold_out=hide) as shop:
        lines = [{"sku": sku, "options": {"size": sku}} for sku in ("S", "L")]
        await make(shop, name="Tee", price=kes("1.00"), variants=lines)
        await kettle(shop, initial_stock=None)
        await stock(shop, 3, "S", "L")
        assert await in_stock(shop, "tee")

        await stock(shop, 0, "S")
        await list_by_stock(shop.service)
        assert await in_stock(shop, "tee")
        await stock(shop, 0, "L")
        assert not await in_stock(shop, "tee")
        assert sorted(await names(shop)) == ["Kettle", "Tee"]

        said = await list_by_stock(shop.service)
        await shop.settle()
        assert said == f"took {int(hide)} products off the lists, put 0 back"
        assert sorted(await names(shop)) == (["Kettle"] if hide else ["Kettle", "Tee"])
        assert not await in_stock(shop, "tee")

        await stock(shop, 1, "L")
        await list_by_stock(shop.service)
        await shop.settle()
        assert sorted(await names(shop)) == ["Kettle", "Tee"]


async def test_what_was_hidden_comes_back_when_the_shop_no_longer_wants_that(running: Callable[..., Any]) -> None:
    peers = {"inventory": Inventory().app()}
    async with running(build, Settings, peers=peers, hide_sold_out=True) as shop:
        await kettle(shop)
        await stock(shop, 0, "KET-1")
        await list_by_stock(shop.service)
        assert isinstance(shop.service.settings, Settings)
        changed = shop.service.settings.model_copy(update={"hide_sold_out": False})
        other = build(changed, shop.service.world)
        await other.open_database()
        try:
            assert await list_by_stock(other) == "took 0 products off the lists, put 1 back"
        finally:
            await other.stop()


async def test_the_row_of_a_product_says_what_its_variants_stock_says(running: Callable[..., Any]) -> None:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as shop:
        await stock(shop, 5, "LATE")
        await kettle(shop, "LATE")
        assert await shop.service.database.pool.fetchval("SELECT in_stock FROM products")
        pool = shop.service.database.pool
        for change, expected in (
            ("UPDATE variants SET active = false", False),
            ("UPDATE variants SET active = true", True),
            ("UPDATE stock SET available = 0", False),
            ("INSERT INTO stock VALUES ('LATE', 2, 99) ON CONFLICT (sku) DO UPDATE SET available = 2", True),
            ("DELETE FROM variants", False),
        ):
            await pool.execute(change)
            assert await pool.fetchval("SELECT in_stock FROM products") is expected, change
