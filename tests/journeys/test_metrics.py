"""What operators watch tells of an order that is under way."""

from chassis.fixtures import until
from chassis.metrics import SAGA_AGE
from shopping import OpenShop


async def test_the_oldest_checkout_that_has_not_settled_is_measured(shop: OpenShop) -> None:
    assert await shop.at_rest() == []
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    order = (await customer.checkout("tok_slow", wait=0)).json()
    service, age = shop.shop.services["order"], SAGA_AGE.labels("order", "checkout")
    await service.measure_once()
    assert 0 < age._value.get() < 60

    async def settled() -> bool:
        await service.measure_once()
        return bool(age._value.get() == 0)

    await until(settled)
    assert (await customer.get(f"/orders/{order['id']}"))["status"] == "confirmed"
