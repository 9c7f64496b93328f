"""What the catalog hears from others: how much of each SKU there is, who bought what, and who is to be forgotten."""

from collections.abc import Iterable

from chassis.decider import Call
from chassis.outcome import Outcome
from chassis.rows import Keep
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import identity, inventory, order

from catalog.tables import purchases, stock

subscriptions = Subscriptions()


@subscriptions.keep(inventory.StockLevel)
def stock_level(message: inventory.StockLevel, at: Received) -> Iterable[Keep]:
    units = {"available": message.available, "backorderable": message.backorderable}
    yield Keep(stock, {"sku": message.sku, **units, "sequence": at.sequence})


@subscriptions.keep(order.Confirmed)
def order_confirmed(message: order.Confirmed, at: Received) -> Iterable[Keep]:
    if message.customer_id is None:
        return
    for line in message.lines:
        bought = {"customer_id": message.customer_id, "variant_id": line.variant_id, "sequence": at.sequence}
        yield Keep(purchases, bought)


@subscriptions.handle(identity.UserErased)
def user_erased(message: identity.UserErased, at: Received) -> Iterable[Outcome]:
    return [Call("erase", key=message.user_id, request={"customer_id": message.user_id})]
