"""What the cart hears and obeys."""

from collections.abc import Iterable

from chassis.rows import Keep
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import cart as public
from soko_contracts import catalog, inventory, order

from cart.domain import AskPutBack, Close, Line, cart, close, derived
from cart.tables import stock
from cart.variants import kept

subscriptions = Subscriptions()


@subscriptions.on(order.Placed, close, key=lambda message: cart.name(message.cart_id))
def order_placed(message: order.Placed, at: Received) -> Close:
    return Close(
        cart_id=message.cart_id,
        order_id=message.order_id,
        version=message.cart_version,
        stood={line.sku: line.quantity for line in message.lines},
        next_order_id=derived(at.id, "next order"),
    )


@subscriptions.on(public.PutBack, cart)
def put_back(message: public.PutBack, at: Received) -> tuple[str, AskPutBack]:
    lines = (
        Line(
            item_id=derived(message.order_id, f"put back {line.sku}"),
            sku=line.sku,
            variant_id=line.variant_id,
            quantity=line.quantity,
            unit_price=line.unit_price,
            priced_at=line.priced_at,
        )
        for line in message.lines
    )
    return message.cart_id, AskPutBack(message.order_id, tuple(lines))


@subscriptions.keep(catalog.ProductCreated)
@subscriptions.keep(catalog.ProductUpdated)
@subscriptions.keep(catalog.ProductArchived)
def product(message: catalog.Product, at: Received) -> Iterable[Keep]:
    return [kept(variant, at.sequence) for variant in message.variants]


@subscriptions.keep(catalog.VariantCreated)
@subscriptions.keep(catalog.VariantUpdated)
@subscriptions.keep(catalog.VariantRemoved)
@subscriptions.keep(catalog.PriceChanged)
def variant(message: catalog.Variant, at: Received) -> Iterable[Keep]:
    return [kept(message, at.sequence)]


@subscriptions.keep(inventory.StockLevel)
def stock_level(message: inventory.StockLevel, at: Received) -> Iterable[Keep]:
    return [Keep(stock, {"sku": message.sku, "available": message.available, "sequence": at.sequence})]
