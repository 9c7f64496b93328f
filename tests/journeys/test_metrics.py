"""What operators watch tells of an order that is under way."""

from chassis.fixtures import until
from chassis.metrics import REGISTRY, SAGA_AGE
from shopping import OpenShop
from surface import endpoints


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


async def test_a_purchase_moves_everything_that_is_counted_and_timed(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    before = samples()
    await customer.add(sku)
    assert (await customer.checkout()).status_code == 201
    await shop.quiet()
    for service in shop.shop.services.values():
        await service.measure_once()
        for gauge in ("soko_outbox_age_seconds", "soko_inbox_depth", "soko_inbox_age_seconds", "soko_parked"):
            assert (gauge, frozenset({("service", service.name)})) in samples()
    moved = {key for key, value in samples().items() if value > before.get(key, 0)}
    for name, labels in (
        ("soko_http_seconds_count", {"service": "gateway", "operation": "order", "status": "201"}),
        ("soko_http_seconds_count", {"service": "order", "operation": "place_order", "status": "201"}),
        ("soko_messages_total", {"service": "order", "direction": "sent", "type": "order.confirmed.v1"}),
        ("soko_messages_total", {"service": "notification", "direction": "received", "type": "order.confirmed.v1"}),
        ("soko_handled_total", {"service": "order", "handler": "captured", "outcome": "finished"}),
        ("soko_handler_seconds_count", {"service": "order", "handler": "batch"}),
        ("soko_handler_seconds_count", {"service": "payment", "handler": "call card.authorise"}),
    ):
        assert (name, frozenset(labels.items())) in moved


async def test_whatever_clients_ask_for_makes_no_new_labels(shop: OpenShop) -> None:
    start = samples().keys()
    customer = await shop.customer()
    await customer.call("GET", "/products/nothing-so-far")
    before = samples().keys()
    for number in range(3):
        await customer.call("GET", f"/products/nothing-{number}")
        await customer.call("GET", f"/nowhere/{number}")
        await shop.door.request("BREW", f"/api/v1/orders/{number}")
    assert not [labels for _, labels in samples().keys() - before if "nothing" in str(labels) or "BREW" in str(labels)]
    new = samples().keys() - start
    operations = {dict(labels)["operation"] for name, labels in new if name == "soko_http_seconds_count"}
    known = {each.operation_id for each in endpoints()}
    assert operations <= known | {"other", "gateway", "operators", *shop.shop.services, "cardsim"}


def samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All there is, by name and labels."""
    found = [sample for metric in REGISTRY.collect() for sample in metric.samples]
    return {(each.name, frozenset(each.labels.items())): each.value for each in found}
