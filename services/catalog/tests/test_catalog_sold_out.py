"""Products that are sold out: said so by the inventory's events, and off the lists where the shop wants that."""

from collections.abc import Callable
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from catalog.sold_out import list_by_stock
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, names, staff
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
            ("UPDATE stock SET backorderable = 1", True),
            ("UPDATE stock SET available = 2, backorderable = 0", True),
            ("UPDATE stock SET available = 0", False),
            ("INSERT INTO stock VALUES ('LATE', 2, 99) ON CONFLICT (sku) DO UPDATE SET available = 2", True),
            ("DELETE FROM variants", False),
        ):
            await pool.execute(change)
            assert await pool.fetchval("SELECT in_stock FROM products") is expected, change


async def promised(shop: Harness, available: int, backorderable: int, *, sequence: int = 1) -> dict[str, Any]:
    """The kettle, once the inventory has said so of it."""
    units = {"on_hand": available, "reserved": 0, "available": available, "backorderable": backorderable}
    await shop.deliver(inventory.StockLevel(sku="KET-1", **units), subject="stock-KET-1", sequence=sequence)
    shown: dict[str, Any] = (await shop.client.get("/api/v1/products/kettle")).json()
    return shown


async def test_what_can_be_ordered_before_it_comes_is_for_sale(running: Callable[..., Any]) -> None:
    async with running(build, Settings, peers={"inventory": Inventory().app()}, hide_sold_out=True) as shop:
        await kettle(shop, initial_stock=None)
        steps = [((0, 0), (False, False)), ((0, 4), (True, True)), ((3, 4), (True, False)), ((3, 0), (True, False))]
        for sequence, (units, (bought, comes_later)) in enumerate([*steps, steps[1], steps[0]], 1):
            shown = await promised(shop, *units, sequence=sequence)
            (variant,) = shown["variants"]
            assert (shown["in_stock"], variant["in_stock"], variant["backorder"]) == (bought, bought, comes_later)
            await list_by_stock(shop.service)
            await shop.settle()
            assert await names(shop) == (["Kettle"] if bought else [])
            assert await names(shop, "in_stock=true") == (["Kettle"] if bought else [])


async def test_of_what_is_said_of_a_sku_the_newest_counts_however_late_the_rest_comes(
    running: Callable[..., Any],
) -> None:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as shop:
        await kettle(shop, initial_stock=None)
        assert (await promised(shop, 0, 4, sequence=3))["in_stock"]
        assert (await promised(shop, 0, 0, sequence=2))["in_stock"]


async def test_a_variant_off_sale_is_not_ordered_before_it_comes(running: Callable[..., Any]) -> None:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as shop:
        made = await kettle(shop, initial_stock=None)
        assert (await promised(shop, 0, 4))["in_stock"]
        path = f"/api/v1/variants/{made['variants'][0]['id']}"
        changed = await shop.client.patch(path, json={"active": False}, headers=staff(shop))
        assert (changed.status_code, changed.json()["backorder"]) == (200, False)
        assert not await in_stock(shop, "kettle")
