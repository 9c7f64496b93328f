"""What a service has published can be given to one subscriber again."""

from chassis.service import Service
from shopping import OpenShop, environment
from soko.operations import republish
from soko.services import variable


async def test_a_subscriber_that_lost_its_memory_hears_what_was_published_and_nobody_else_does(shop: OpenShop) -> None:
    sku = await shop.product()
    assert await shop.at_rest() == []
    cart = shop.shop.services["cart"].database.pool
    published = await shop.shop.services["catalog"].database.pool.fetch("select message_id from published")
    told = [row["message_id"] for row in published]
    await cart.execute("delete from variants")
    await cart.execute("delete from seen where message_id = any($1::text[])", told)
    await cart.execute("delete from done where message_id = any($1::text[])", told)
    heard = {name: await finished(service, told) for name, service in shop.shop.services.items()}
    with environment({variable(name, "DATABASE_URL"): url for name, url in shop.urls.items()}):
        sent = await republish("catalog", "cart", [], lambda done, total: None)
        assert await shop.at_rest() == []
        assert await cart.fetchval("select count(*) from variants where sku = $1", sku) == 1
        assert sent >= 1
        again = await republish("catalog", "cart", [], lambda done, total: None)
    assert again == sent
    assert await shop.at_rest() == []
    for name, service in shop.shop.services.items():
        assert await finished(service, told) == heard[name] + (sent if name == "cart" else 0)


async def finished(service: Service, told: list[str]) -> int:
    """How often a service has worked these messages off."""
    return int(await service.database.pool.fetchval("select count(*) from done where message_id = any($1)", told))
