"""What the catalog hears from others: how much of each SKU there is."""

from collections.abc import Iterable

from chassis.rows import Keep
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import inventory

from catalog.tables import stock

subscriptions = Subscriptions()


@subscriptions.keep(inventory.StockLevel)
def stock_level(message: inventory.StockLevel, at: Received) -> Iterable[Keep]:
    yield Keep(stock, {"sku": message.sku, "available": message.available, "sequence": at.sequence})
