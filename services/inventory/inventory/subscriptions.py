"""What the inventory obeys, and what it hears: from the catalog, and from itself that units came for who waited."""

from collections.abc import Iterable

from chassis.rows import Keep
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import catalog, inventory

from inventory.domain.holding import holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.reservation import reservation
from inventory.domain.reservation_events import AskNow, Commit, Extend, Release, Reserve, lines_of
from inventory.domain.stock_commands import ListSku
from inventory.settings import Settings
from inventory.tables import prices


def subscribe(settings: Settings) -> Subscriptions:
    """The subscriptions of an inventory with these settings. What concerns one order stays in order."""
    subscriptions = Subscriptions()
    ask_every = int(settings.reservation_ask_again.total_seconds())
    threshold = settings.low_stock_threshold

    @subscriptions.on(inventory.ReserveStock, holding, key=lambda message: message.order_id, new=True)
    def reserve_stock(message: inventory.ReserveStock, at: Received) -> Reserve:
        lines = lines_of((line.sku, line.quantity) for line in message.lines)
        return Reserve(message.order_id, lines, message.expires_at, ask_every)

    @subscriptions.on(inventory.ReleaseStock, holding, key=lambda message: message.order_id)
    def release_stock(message: inventory.ReleaseStock, at: Received) -> Release:
        return Release(message.order_id)

    @subscriptions.on(inventory.CommitStock, holding, key=lambda message: message.order_id)
    def commit_stock(message: inventory.CommitStock, at: Received) -> Commit:
        return Commit(message.order_id, at.now)

    @subscriptions.on(inventory.ExtendReservation, holding, key=lambda message: message.order_id)
    def extend_reservation(message: inventory.ExtendReservation, at: Received) -> Extend:
        return Extend(message.order_id, message.expires_at)

    @subscriptions.on(inventory.BackorderFilled, reservation)
    def backorder_filled(message: inventory.BackorderFilled, at: Received) -> tuple[str, AskNow]:
        return message.order_id, AskNow(message.order_id, at.now)

    @subscriptions.on(catalog.ProductCreated, listing, key=lambda message: message.product_id)
    def product_created(message: catalog.ProductCreated, at: Received) -> ListSkus:
        initial = message.initial_stock
        return ListSkus(tuple(ListSku(each.sku, threshold, initial.get(each.sku, 0)) for each in message.variants))

    @subscriptions.on(catalog.VariantCreated, listing, key=lambda message: message.product_id)
    def variant_created(message: catalog.VariantCreated, at: Received) -> ListSkus:
        return ListSkus((ListSku(message.sku, threshold, message.initial_stock or 0),))

    @subscriptions.keep(catalog.ProductCreated)
    @subscriptions.keep(catalog.ProductUpdated)
    @subscriptions.keep(catalog.ProductArchived)
    def prices_of_product(message: catalog.Product, at: Received) -> Iterable[Keep]:
        return [price_of(variant, at.sequence) for variant in message.variants]

    @subscriptions.keep(catalog.VariantCreated)
    @subscriptions.keep(catalog.VariantUpdated)
    @subscriptions.keep(catalog.VariantRemoved)
    @subscriptions.keep(catalog.PriceChanged)
    def price_of_variant(message: catalog.Variant, at: Received) -> Iterable[Keep]:
        return [price_of(message, at.sequence)]

    return subscriptions


def price_of(variant: catalog.Variant, sequence: int) -> Keep:
    """What the variant costs, as the catalog last said."""
    row = {
        "variant_id": variant.variant_id,
        "sku": variant.sku,
        "price": variant.price,
        "currency": variant.currency,
        "active": variant.active,
        "sequence": sequence,
    }
    return Keep(prices, row)
