"""What one order's events say, and whether cart, inventory, payment and notification say the same of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from soko.oracle.breach import Report
from soko.oracle.payments import Payment, payments_in
from soko.oracle.reading import Databases, Event

PROMISED = "cash_on_delivery"
END_OF_REFUND = {"refund_succeeded.v1": "done", "refund_failed.v1": "failed", "refund_retried.v1": "asked"}
TOLD = {"placed.v1": "order_received", "confirmed.v1": "order_confirmed", "cancelled.v1": "order_cancelled"}
PAYMENTS_OF = "select id from payments where order_id = any($1::text[])"
NOTIFIED = "select cause, kind from notifications where cause = any($1::text[])"
WAITS = """
select stream from timers where stream = any($1::text[]) union select key from inbox where key = any($1::text[])
"""


@dataclass(slots=True)
class Order:
    """An order as its events tell it; ``attempts`` are the open ones, ``known`` all it began or was told of."""

    id: str
    cart_id: str = ""
    owner: str = ""
    customer_id: str | None = None
    status: str = "new"
    total: int = 0
    flaw: str = ""
    coupon: str = ""
    """Where its coupon is: asked, redeemed, rejected; empty for none."""
    stock_asked: bool = False
    lines: Counter[str] = field(default_factory=Counter)
    refunds: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    attempts: set[str] = field(default_factory=set)
    acting: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    paid_by: str | None = None
    method: str = ""
    told: set[tuple[str, str]] = field(default_factory=set)

    @property
    def settled(self) -> bool:
        """Nothing moves without the customer or the staff."""
        return self.status in ("confirmed", "cancelled") or (
            self.status == "awaiting_payment" and self.attempts <= self.acting
        )

    @property
    def rows(self) -> tuple[str, ...]:
        return (f"order.events order-{self.id}",)

    def over(self, payment_id: str) -> None:
        """This attempt has ended."""
        self.attempts.discard(payment_id)


def order_in(id_: str, events: Iterable[Event]) -> Order:
    """Fold them."""
    order = Order(id_)
    for event in events:
        data = event.data
        if event.type in TOLD:
            order.told.add((id_, TOLD[event.type]))
        match event.type:
            case "placed.v1":
                order.status, order.cart_id, order.owner = "pending", data["cart_id"], data["owner"]
                order.customer_id, order.total = data["customer_id"], data["totals"]["total"]
                for line in data["lines"]:
                    order.lines[line["sku"]] += line["quantity"]
                order.coupon, order.flaw = "asked" if data.get("coupon") else "", flaw_of(data)
                order.stock_asked = not order.coupon
            case "coupon_redeemed.v1":
                order.coupon, order.stock_asked = "redeemed", True
            case "coupon_rejected.v1":
                order.coupon = "rejected"
            case "placed_without_coupon.v1":
                order.total, order.flaw, order.stock_asked = data["totals"]["total"], flaw_of(data), True
            case "awaiting_payment.v1":
                order.status = "awaiting_payment"
            case "payment_started.v1":
                order.attempts.add(data["payment"]["payment_id"])
                order.known.add(data["payment"]["payment_id"])
            case "payment_action_required.v1":
                order.acting.add(data["payment_id"])
            case "payment_authorised.v1":
                order.acting.discard(data["payment_id"])
            case "payment_captured.v1":
                order.over(data["payment_id"])
                order.known.add(data["payment_id"])
            case "payment_failed.v1":
                order.over(data["payment_id"])
            case "late_promise_declined.v1":
                order.known.add(data["payment_id"])
            case "confirmed.v1":
                order.status, order.paid_by, order.method = "confirmed", data["payment_id"], data["method"]
            case "cancelling.v1":
                order.status = "cancelling"
            case "cancelled.v1":
                order.status = "cancelled"
            case "refund_started.v1":
                order.refunds[data["refund_id"]] = (data["payment_id"], data["amount"], "asked")
            case "refund_succeeded.v1" | "refund_failed.v1" | "refund_retried.v1":
                payment_id, amount, _ = order.refunds[data["refund_id"]]
                end = END_OF_REFUND[event.type]
                order.refunds[data["refund_id"]] = (payment_id, amount, end)
                if end == "done":
                    order.told.add((data["refund_id"], "order_refunded"))
    return order


def flaw_of(data: Mapping[str, Any]) -> str:
    """What does not add up in an order's lines and totals."""
    totals, lines = data["totals"], data["lines"]
    goods = sum(line["quantity"] * line["unit_price"] for line in lines)
    shares = sum(line["discount"] for line in lines)
    due = totals["subtotal"] - totals["discount"] + totals["shipping"] + totals["tax"] + totals["rounding"]
    if (totals["subtotal"], totals["discount"]) != (goods, shares):
        return f"goods for {totals['subtotal']} less {totals['discount']}, where its lines say {goods} less {shares}"
    return "" if due == totals["total"] else f"its parts come to {due}, its total is {totals['total']}"


async def orders(databases: Databases, report: Report) -> None:
    """Each order by itself: it will move on, if it has not settled."""
    async for streams in databases.streams("order", "order"):
        found = [order_in(id_, events) for id_, events in streams.items()]
        report.orders += len(found)
        for order in found:
            if order.flaw:
                report.add("discount = shares", f"order {order.id}", order.flaw, order.rows)
        unsettled = [f"order-{order.id}" for order in found if not order.settled or order.status == "awaiting_payment"]
        waits = {row["stream"] for row in await databases.rows("order", WAITS, unsettled)}
        for name in unsettled:
            if name not in waits:
                found_ = "it has not settled, and no timer or message of its own is there to move it on"
                report.add("who waits has a timer", name.replace("-", " ", 1), found_, (f"order.events {name}",))


async def orders_at_rest(databases: Databases, report: Report) -> None:
    """Each order beside what the others know of it."""
    async for streams in databases.streams("order", "order"):
        found = {id_: order_in(id_, events) for id_, events in streams.items()}
        _settle(found.values(), report)
        await _units(databases, found, report)
        await _carts(databases, found, report)
        await _told(databases, found.values(), report)
        await _money(databases, found, report)


def _settle(found: Iterable[Order], report: Report) -> None:
    for order in found:
        if not order.settled:
            open_ = f", payments {', '.join(sorted(order.attempts))}" if order.attempts else ""
            report.add("every order settles", f"order {order.id}", f"it is {order.status}{open_}", order.rows)


async def _units(databases: Databases, found: Mapping[str, Order], report: Report) -> None:
    reservations = await databases.some("inventory", "reservation", found)
    redemptions = await databases.some("cart", "redemption", [id_ for id_, order in found.items() if order.coupon])
    for id_, order in found.items():
        events = reservations.get(id_, ())
        rows = (*order.rows, f"inventory.events reservation-{id_}")
        if order.coupon and not redemptions.get(id_):
            where = (*order.rows, f"cart.events redemption-{id_}")
            report.add("commands arrive", f"order {id_}", "cart was never asked for its coupon", where)
        if not events and order.stock_asked:
            report.add("commands arrive", f"order {id_}", "inventory was never asked for its units", rows)
        has = _holds(events)
        wanted = {"awaiting_payment": ("held", order.lines), "confirmed": ("sold", order.lines)}
        should = wanted.get(order.status, ("none", Counter[str]()))
        if has != should:
            said = f"it is {order.status}: {should[0]} {dict(should[1])}; the reservation: {has[0]} {dict(has[1])}"
            report.add("an order holds its units", f"order {id_}", said, rows)


def _holds(events: Sequence[Event]) -> tuple[str, Counter[str]]:
    """What a reservation holds or was sold."""
    held: tuple[str, Counter[str]] = ("none", Counter())
    for event in events:
        if event.type in ("held.v1", "committed.v1"):
            units = Counter[str]()
            for line in event.data["lines"]:  # a SKU comes once for each location that gives some of it
                units[line["sku"]] += line["quantity"]
            held = ("held" if event.type == "held.v1" else "sold", units)
        elif event.type == "released.v1":
            held = ("none", Counter())
    return held


async def _carts(databases: Databases, found: Mapping[str, Order], report: Report) -> None:
    """4 and 6: the cart is closed as this order's, and was its owner's."""
    carts = await databases.some("cart", "cart", {order.cart_id for order in found.values()})
    for id_, order in found.items():
        events = carts.get(order.cart_id, ())
        rows = (*order.rows, f"cart.events cart-{order.cart_id}")
        opening = next((event.data for event in events if event.type == "opened.v1"), {})
        types = [event.type for event in events]
        if opening.get("order_id") != id_ or "ordered.v1" not in types:
            said = f"cart {order.cart_id} is for order {opening.get('order_id')}, with {', '.join(types) or 'no event'}"
            report.add("a cart becomes its order", f"order {id_}", said, rows)
        if opening and opening["owner"] != order.owner:
            report.add("what is one's own", f"order {id_}", f"cart {order.cart_id} is somebody else's", rows)
        if order.status == "cancelled" and order.method == "" and "put_back_asked.v1" not in types:
            report.add("commands arrive", f"order {id_}", "cart was never asked to put its lines back", rows)


async def _told(databases: Databases, found: Iterable[Order], report: Report) -> None:
    """The customer is told of each step; that a mail leaves is the notification service's own matter."""
    wanted = {told: order for order in found for told in order.told}
    rows = await databases.rows("notification", NOTIFIED, list({cause for cause, _ in wanted}))
    there = {(row["cause"], row["kind"]) for row in rows}
    for (cause, kind), order in wanted.items():
        if (cause, kind) not in there:
            where = (*order.rows, f"notification.notifications {cause} {kind}")
            report.add("commands arrive", f"order {order.id}", f"notification was never asked for {kind}", where)


async def _money(databases: Databases, found: Mapping[str, Order], report: Report) -> None:
    ids = {row["id"] for row in await databases.rows("payment", PAYMENTS_OF, list(found))}
    ids |= {payment_id for order in found.values() for payment_id in order.known}
    payments = payments_in(await databases.some("payment", "payment", ids))
    of_order: dict[str, list[Payment]] = defaultdict(list)
    for payment in payments.values():
        of_order[payment.order_id or ""].append(payment)
    for id_, order in found.items():
        for payment_id in sorted(order.known - payments.keys()):
            where = (*order.rows, f"payment.events payment-{payment_id}")
            report.add("commands arrive", f"order {id_}", f"payment {payment_id} was never asked for", where)
        for payment in of_order[id_]:
            _kept(order, payment, report)
        _refunds(order, payments, report)
        paid = payments.get(order.paid_by or "")
        promised = order.method == PROMISED and (paid is None or paid.captured == 0)
        if order.status == "confirmed" and order.total > 0 and not promised:
            taken = paid.captured if paid else 0
            if taken != order.total:
                where = (*order.rows, f"payment.events payment-{order.paid_by}")
                report.add("a confirmed order is paid", f"order {id_}", f"{taken} of {order.total} was taken", where)


def _kept(order: Order, payment: Payment, report: Report) -> None:
    """What this payment took and did not give back is what the order may keep of it."""
    mine = [(amount, end) for payment_id, amount, end in order.refunds.values() if payment_id == payment.id]
    owed = sum(amount for amount, end in mine if end == "failed")
    decided = sum(amount for amount, _ in mine)
    sold = order.status == "confirmed" and order.paid_by == payment.id
    due = (order.total - decided if sold and payment.captured else 0) + owed
    kept = payment.captured - payment.refunded
    if kept != due:
        said = f"it is {order.status}: payment {payment.id} took {payment.captured} and gave back {payment.refunded}, "
        said += f"so {kept} is kept, where {due} is due" + (f" ({owed} of it owed)" if owed else "")
        report.add("money kept", f"order {order.id}", said, (*order.rows, *payment.rows))
    if payment.customer_id is not None and payment.customer_id != order.customer_id:
        said = f"payment {payment.id} is of customer {payment.customer_id}, the order of {order.customer_id}"
        report.add("what is one's own", f"order {order.id}", said, (*order.rows, *payment.rows))
    if payment.id not in order.known and payment.captured:
        said = f"payment {payment.id} took {payment.captured} for it, and it does not know"
        report.add("money belongs to an order", f"order {order.id}", said, (*order.rows, *payment.rows))


def _refunds(order: Order, payments: Mapping[str, Payment], report: Report) -> None:
    for refund_id, decided in order.refunds.items():
        payment = payments.get(decided[0])
        there = payment.refunds.get(refund_id) if payment else None
        if there != decided[1:]:
            said = f"refund {refund_id}: the order says {_said(decided[1:])}, payment {decided[0]} {_said(there)}"
            report.add(
                "refunds agree", f"order {order.id}", said, (*order.rows, f"payment.events payment-{decided[0]}")
            )


def _said(refund: tuple[int, str] | None) -> str:
    return f"{refund[0]} {refund[1]}" if refund else "nothing"
