"""What an order said to its customer, it can say once more."""

from typing import Any

import orjson
import pytest
from order import events
from order.events import Event
from order.letters import letter
from order.shipments import ShipmentStatus
from order.testing import (
    CARD,
    awaiting,
    cancelled,
    confirmed,
    failed_event,
    placed,
    refund_started,
    tell,
)
from order.testing_shop import Shop, open_shop
from soko_contracts.notification import Send

SHIPPED = events.ShipmentUpdated(
    shipment_id="new-1",
    before=ShipmentStatus.PENDING,
    status=ShipmentStatus.IN_TRANSIT,
    carrier="Posta",
    tracking_number="T-1",
)
DELIVERED = events.ShipmentUpdated(
    shipment_id="new-1",
    before=ShipmentStatus.IN_TRANSIT,
    status=ShipmentStatus.DELIVERED,
    carrier="Posta",
    tracking_number="T-1",
)
PARCEL = {"carrier": "Posta", "tracking_number": "T-1"}
WHOLE_LIFE = (
    *confirmed(),
    SHIPPED,
    DELIVERED,
    refund_started(amount=100, refund_id="r-1"),
    events.RefundSucceeded(refund_id="r-1"),
)
IN_VAIN = (placed(CARD), *awaiting()[1:], failed_event(), cancelled("payment_timeout"))


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (WHOLE_LIFE, tell("order_received")),
        (WHOLE_LIFE, tell("order_confirmed", payment_method="card")),
        (WHOLE_LIFE, tell("order_shipped", "new-1", **PARCEL)),
        (WHOLE_LIFE, tell("order_delivered", "new-1", **PARCEL)),
        (WHOLE_LIFE, tell("order_refunded", "r-1", amount=100)),
        (IN_VAIN, tell("payment_failed", "pay-1", reason="declined")),
        (IN_VAIN, tell("order_cancelled", reason="payment_timeout", shortages=[])),
        ((placed(None), *awaiting(None)[1:]), tell("payment_requested", minutes=15)),
    ],
    ids=lambda each: getattr(each, "kind", ""),
)
def test_a_letter_is_made_of_what_happened(history: tuple[Event, ...], told: Send) -> None:
    assert letter(history, told.kind, told.cause) == told
    assert letter(history, told.kind, "another") is None
    assert letter((placed(CARD),), "order_confirmed", told.cause) is None


@pytest.fixture
async def shop(running: Any) -> Any:
    async with open_shop(running) as shop:
        yield shop


async def read(shop: Shop, order_id: str, kind: str) -> Any:
    path = f"/internal/v1/orders/{order_id}/letters/{kind}/{order_id}"
    return await shop.client.get(path, headers=shop.harness.service_token("notification"))


async def test_a_letter_is_read_as_it_was_sent_until_its_customer_is_forgotten(shop: Shop) -> None:
    order = await shop.confirmed()
    sent = next(each for each in shop.harness.sent if isinstance(each, Send) and each.kind == "order_confirmed")
    answer = await read(shop, order["id"], "order_confirmed")
    assert answer.status_code == 200, answer.text
    assert answer.json() == orjson.loads(orjson.dumps({"contact": sent.contact, "data": sent.data}))
    assert answer.json()["contact"]["email"] == "customer@soko.example"
    for order_id, kind in ((order["id"], "order_cancelled"), ("nobody", "order_confirmed")):
        assert (await read(shop, order_id, kind)).status_code == 404
    path = f"/internal/v1/orders/{order['id']}/letters/order_confirmed/{order['id']}"
    assert (await shop.client.get(path, headers=shop.her)).status_code == 401
    await shop.harness.service.database.pool.execute("delete from subject_keys")
    assert (await read(shop, order["id"], "order_confirmed")).status_code == 404
