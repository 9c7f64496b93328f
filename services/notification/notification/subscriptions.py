"""What the notification service obeys, whom it tells of what, and the feed that keeps every event there is."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from chassis.decider import Call
from chassis.outcome import Outcome
from chassis.rows import Keep
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import MESSAGES, cart, identity, inventory, order
from soko_contracts import notification as public

from notification.calls import channel_for, queued
from notification.domain import ADMIN, Notification
from notification.kinds import LOW_STOCK, NEW_ORDER
from notification.settings import Settings
from notification.tables import unnumbered


def send(message: public.Send, at: Received) -> Iterable[Outcome]:
    channel = channel_for(message.kind, message.contact)
    who = (message.subject_id, message.customer_id)
    order_id = message.data.get("order_id")
    told_of = order_id if isinstance(order_id, str) else None
    notification = Notification(at.id, message.cause, message.kind, *who, at.now, channel, order_id=told_of)
    return queued(notification, message.contact, message.data, message.secrets)


def new_order(message: order.Confirmed, at: Received) -> Iterable[Outcome]:
    data = {
        "number": message.number,
        "currency": message.totals.currency,
        "total": message.totals.total,
        "payment_method": message.payment_method,
        "lines": [
            {"sku": line.sku, "name": line.name, "quantity": line.quantity, "unit_price": line.unit_price}
            for line in message.lines
        ],
    }
    return queued(Notification(at.id, message.order_id, NEW_ORDER, ADMIN, None, at.now), {}, data)


def low_stock(message: inventory.StockLow, at: Received) -> Iterable[Outcome]:
    data = {"sku": message.sku, "available": message.available, "threshold": message.threshold}
    return queued(Notification(at.id, at.id, LOW_STOCK, ADMIN, None, at.now), {}, data)


def abandoned_cart(message: cart.Abandoned, at: Received) -> Iterable[Outcome]:
    """Whether its customer asked for that only a look can tell, and how to reach them only identity."""
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in message.lines]
    request = {"id": at.id, "cart_id": message.cart_id, "customer_id": message.customer_id, "lines": lines}
    return [Call("remind", key=message.cart_id, request=request)]


def user_erased(message: identity.UserErased, at: Received) -> Iterable[Outcome]:
    return [Call("erase", key=message.user_id, request={"subject_id": message.user_id})]


def into_feed(type_: str) -> Callable[[Any, Received], Iterable[Keep]]:
    """The translation of one event type. Each has its own name, which is kept with messages that wait."""

    def keep(said: bytes, at: Received) -> Iterable[Keep]:
        return [
            Keep(
                unnumbered,
                {
                    "message_id": at.id,
                    "type": at.type,
                    "source": at.type.partition(".")[0],
                    "subject": at.subject,
                    "sequence": at.sequence,
                    "time": at.time,
                    "correlationid": at.correlationid,
                    "data": orjson.Fragment(said),
                },
            )
        ]

    keep.__name__ = f"feed.{type_}"
    return keep


def subscribe(settings: Settings) -> Subscriptions:
    """All of them; the admin's only where somebody is one."""
    subscriptions = Subscriptions()
    subscriptions.handle(public.Send, key=lambda message: message.subject_id)(send)
    subscriptions.handle(identity.UserErased)(user_erased)
    subscriptions.handle(cart.Abandoned)(abandoned_cart)
    if settings.admin:
        subscriptions.handle(order.Confirmed)(new_order)
        subscriptions.handle(inventory.StockLow)(low_stock)
    for type_, message in MESSAGES.items():
        if message.KIND == "event":
            subscriptions.keep(message, raw=True)(into_feed(type_))
    return subscriptions
