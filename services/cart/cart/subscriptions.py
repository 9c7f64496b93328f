"""What the cart hears and obeys."""

from collections.abc import Iterable

from chassis.rows import Keep
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import cart as public
from soko_contracts import catalog, inventory, order

from cart.domain import AskPutBack, Close, Line, cart, close, derived
from cart.domain.redemptions import Redeem, Return, give_back, redeem, redemption
from cart.tables import categories, products, stock
from cart.variants import kept

subscriptions = Subscriptions()


@subscriptions.on(order.Placed, close, key=lambda message: cart.name(message.cart_id), new=True)
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


@subscriptions.on(public.RedeemCoupon, redeem, key=lambda message: redemption.name(message.order_id))
def redeem_coupon(message: public.RedeemCoupon, at: Received) -> Redeem:
    return Redeem(
        order_id=message.order_id,
        cart_id=message.cart_id,
        customer_id=message.customer_id,
        coupon_id=message.coupon_id,
        code=message.code,
    )


@subscriptions.on(public.ReturnCoupon, give_back, key=lambda message: redemption.name(message.order_id))
def return_coupon(message: public.ReturnCoupon, at: Received) -> Return:
    return Return(order_id=message.order_id)


@subscriptions.keep(catalog.ProductCreated)
@subscriptions.keep(catalog.ProductUpdated)
@subscriptions.keep(catalog.ProductArchived)
def product(message: catalog.Product, at: Received) -> Iterable[Keep]:
    stands = {"product_id": message.product_id, "category_ids": list(message.category_ids), "sequence": at.sequence}
    return [Keep(products, stands), *(kept(variant, at.sequence) for variant in message.variants)]


@subscriptions.keep(catalog.VariantCreated)
@subscriptions.keep(catalog.VariantUpdated)
@subscriptions.keep(catalog.VariantRemoved)
@subscriptions.keep(catalog.PriceChanged)
def variant(message: catalog.Variant, at: Received) -> Iterable[Keep]:
    return [kept(message, at.sequence)]


@subscriptions.keep(catalog.CategoryCreated)
@subscriptions.keep(catalog.CategoryUpdated)
def category(message: catalog.Category, at: Received) -> Iterable[Keep]:
    row = {"category_id": message.category_id, "parent_id": message.parent_id, "sequence": at.sequence}
    return [Keep(categories, row)]


@subscriptions.keep(inventory.StockLevel)
def stock_level(message: inventory.StockLevel, at: Received) -> Iterable[Keep]:
    orderable = message.available + message.backorderable
    return [Keep(stock, {"sku": message.sku, "available": orderable, "sequence": at.sequence})]
