"""An order to test with: two kettles and a mug for 5,598.00, shipping included, and its histories so far."""

from datetime import UTC, datetime, timedelta
from typing import Any

from soko_contracts import cart, inventory, notification, payment
from soko_contracts import order as facts
from soko_contracts.sealed import Sealed

from order import commands, events
from order.events import Event
from order.totals import Line, Reduction, quote
from order.values import Address, Chosen, Claim, Shortage, Waits

ORDER, CART, CUSTOMER = "order-1", "cart-1", "customer-1"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WAITS = Waits()
WINDOW_END = NOW + timedelta(seconds=WAITS.window)
FIRST_ASK = NOW + timedelta(seconds=WAITS.ask)

LINES = (
    Line(sku="KET-1", variant_id="v-1", name="Kettle", quantity=2, unit_price=249_900, priced_at=NOW),
    Line(sku="MUG-1", variant_id="v-2", name="Mug", quantity=1, unit_price=40_000, priced_at=NOW),
)
QUOTE = quote(LINES, 20_000, "KES")
TOTAL = QUOTE.totals.total
REDUCED = quote(LINES, 20_000, "KES", Reduction(percent=10))
"""The same with ten in a hundred off: 485,820 and the shipping."""
CONTACT = Sealed(CUSTOMER, "contact")
ADDRESS = Address(sealed=Sealed(CUSTOMER, "address"), country="KE", region=None, postal_code="00100")
CARD = Chosen(payment_id="pay-1", method="card", token=Sealed("pay-1", "tok"))
OTHER_CARD = Chosen(payment_id="pay-2", method="card", token=Sealed("pay-2", "tok"))
CASH = Chosen(payment_id="pay-1", method="cash_on_delivery")
MPESA = Chosen(payment_id="pay-1", method="mpesa", phone=Sealed("pay-1", "phone"))
BANK = Chosen(payment_id="pay-1", method="bank_transfer")

STOCK_RESERVED = commands.RecordStockReserved(new_id="new-1", now=NOW)
SHORTAGES = (Shortage(sku="KET-1", requested=2, available=1),)
STOCK_REJECTED = commands.RecordStockRejected(shortages=SHORTAGES, now=NOW)
CONFIRMED = events.Confirmed(payment_id="pay-1", method="card", shipment_id="new-1", confirmed_at=NOW)
STOCK_LINES = (inventory.StockLine(sku="KET-1", quantity=2), inventory.StockLine(sku="MUG-1", quantity=1))
COMMIT = inventory.CommitStock(order_id=ORDER)
RELEASE = inventory.ReleaseStock(order_id=ORDER)
PUT_BACK = cart.PutBack(
    order_id=ORDER,
    cart_id=CART,
    customer_id=CUSTOMER,
    lines=(
        cart.CartLine(sku="KET-1", variant_id="v-1", quantity=2, unit_price=249_900, priced_at=NOW),
        cart.CartLine(sku="MUG-1", variant_id="v-2", quantity=1, unit_price=40_000, priced_at=NOW),
    ),
)
FACTS: dict[str, Any] = {
    "order_id": ORDER,
    "number": "SO-1",
    "customer_id": CUSTOMER,
    "lines": (
        facts.OrderLine(sku="KET-1", variant_id="v-1", name="Kettle", quantity=2, unit_price=249_900),
        facts.OrderLine(sku="MUG-1", variant_id="v-2", name="Mug", quantity=1, unit_price=40_000),
    ),
    "totals": facts.Totals(
        subtotal=539_800, discount=0, shipping=20_000, tax=0, rounding=0, total=559_800, currency="KES"
    ),
}


def place(payment: Chosen | None = CARD, **changes: Any) -> commands.Place:
    """The command that begins it."""
    made: dict[str, Any] = {
        "order_id": ORDER,
        "number": "SO-1",
        "customer_id": CUSTOMER,
        "owner": f"user:{CUSTOMER}",
        "cart_id": CART,
        "cart_version": 3,
        "lines": QUOTE.lines,
        "totals": QUOTE.totals,
        "shipping_method": "standard",
        "address": ADDRESS,
        "contact": CONTACT,
        "payment": payment,
        "waits": WAITS,
        "now": NOW,
    }
    return commands.Place(**{**made, **changes})


def claim(*, required: bool = False) -> Claim:
    """The coupon that takes ten in a hundred off."""
    return Claim(coupon_id="coupon-1", code="TEN", required=required, shipping=20_000)


def place_reduced(payment: Chosen | None = CARD, *, required: bool = False, **changes: Any) -> commands.Place:
    """The command that begins it with that coupon."""
    reduced = {"lines": REDUCED.lines, "totals": REDUCED.totals, "coupon": claim(required=required)}
    return place(payment, **{**reduced, **changes})


def placed(payment: Chosen | None = CARD, **changes: Any) -> events.Placed:
    """The order exists."""
    made = {name: getattr(place(payment), name) for name in commands.Place.__slots__ if name != "now"}
    return events.Placed(**{**made, **changes}, placed_at=NOW)


def awaiting(payment: Chosen | None = CARD) -> tuple[Event, ...]:
    """Stock is held; with a payment chosen, its attempt runs."""
    started = (events.PaymentStarted(payment=payment),) if payment else ()
    return (placed(payment), events.AwaitingPayment(expires_at=WINDOW_END), *started)


def authorised() -> tuple[Event, ...]:
    """The card's money is promised and its capture asked for."""
    return (*awaiting(), events.PaymentAuthorised(payment_id="pay-1"))


def confirmed() -> tuple[Event, ...]:
    """Paid by card."""
    return (
        *authorised(),
        captured_event(),
        events.Confirmed(payment_id="pay-1", method="card", shipment_id="new-1", confirmed_at=NOW),
    )


def promised() -> tuple[Event, ...]:
    """To be paid in cash on delivery."""
    return (
        *awaiting(CASH),
        events.PaymentAuthorised(payment_id="pay-1"),
        events.Confirmed(payment_id="pay-1", method="cash_on_delivery", shipment_id="new-1", confirmed_at=NOW),
    )


def cancelling(reason: Any = "by_customer") -> events.Cancelling:
    """Called off while the capture is under way."""
    return events.Cancelling(reason=reason, note=None, since=NOW, next_ask=FIRST_ASK)


def cancelled(reason: Any = "by_customer", **changes: Any) -> events.Cancelled:
    """It is over."""
    made: dict[str, Any] = {"reason": reason, "note": None, "shortages": (), "cancelled_at": NOW}
    return events.Cancelled(**{**made, **changes})


def captured_event(payment_id: str = "pay-1", amount: int = TOTAL, method: str = "card") -> events.PaymentCaptured:
    """Money came."""
    return events.PaymentCaptured(payment_id=payment_id, method=method, amount=amount)


def refund_started(
    payment_id: str = "pay-1", amount: int = TOTAL, reason: str = "not_needed", refund_id: str = "new-1"
) -> events.RefundStarted:
    """Money goes back."""
    return events.RefundStarted(
        refund_id=refund_id,
        payment_id=payment_id,
        amount=amount,
        reason=reason,
        started_at=NOW,
        next_ask=FIRST_ASK,
    )


def failed_event(payment_id: str = "pay-1", reason: str = "declined", voided: bool = False) -> events.PaymentFailed:
    """An attempt came to nothing."""
    return events.PaymentFailed(payment_id=payment_id, reason=reason, voided=voided)


def failures(count: int) -> tuple[Event, ...]:
    """So many cards were declined: pay-1, pay-2, and so on."""
    history: list[Event] = list(awaiting(None))
    for number in range(1, count + 1):
        history += [events.PaymentStarted(payment=card(number)), failed_event(f"pay-{number}")]
    return tuple(history)


def card(number: int) -> Chosen:
    """The attempt ``pay-<number>`` by card."""
    return Chosen(payment_id=f"pay-{number}", method="card", token=Sealed(f"pay-{number}", "tok"))


def record_captured(
    payment_id: str = "pay-1", amount: int = TOTAL, now: datetime = NOW, method: str = "card"
) -> commands.RecordCaptured:
    """News: money came."""
    return commands.RecordCaptured(payment_id=payment_id, method=method, amount=amount, new_id="new-1", now=now)


def record_authorised(payment_id: str = "pay-1", now: datetime = NOW) -> commands.RecordAuthorised:
    """News: money is promised."""
    return commands.RecordAuthorised(payment_id=payment_id, new_id="new-1", now=now)


def record_failed(
    payment_id: str = "pay-1", reason: str = "declined", voided: bool = False, now: datetime = NOW
) -> commands.RecordPaymentEnded:
    """News: nothing came of the attempt."""
    return commands.RecordPaymentEnded(payment_id=payment_id, reason=reason, voided=voided, now=now)


def cancel(by: Any = "customer") -> commands.Cancel:
    """Somebody calls it off."""
    return commands.Cancel(by=by, note=None, new_id="new-1", now=NOW)


def authorise(payment_id: str = "pay-1", method: str = "card", **secrets: Sealed) -> payment.Authorise:
    """What payment is asked."""
    return payment.Authorise(
        payment_id=payment_id,
        order_id=ORDER,
        number="SO-1",
        customer_id=CUSTOMER,
        method=method,
        amount=TOTAL,
        currency="KES",
        token=secrets.get("token"),
        phone=secrets.get("phone"),
    )


def capture(payment_id: str = "pay-1", reference: str | None = None) -> payment.Capture:
    """Payment shall take what was promised."""
    return payment.Capture(payment_id=payment_id, order_id=ORDER, amount=TOTAL, reference=reference)


def void(payment_id: str = "pay-1") -> payment.Void:
    """Payment shall end the attempt."""
    return payment.Void(payment_id=payment_id, order_id=ORDER)


def refund(payment_id: str = "pay-1", amount: int = TOTAL, refund_id: str = "new-1") -> payment.Refund:
    """Payment shall give money back."""
    return payment.Refund(payment_id=payment_id, order_id=ORDER, refund_id=refund_id, amount=amount)


def tell(kind: str, cause: str = ORDER, **data: Any) -> notification.Send:
    """A message to the customer."""
    about: dict[str, Any] = {
        "order_id": ORDER,
        "number": "SO-1",
        "currency": "KES",
        "total": TOTAL,
        "lines": [
            {"sku": "KET-1", "name": "Kettle", "quantity": 2, "unit_price": 249_900},
            {"sku": "MUG-1", "name": "Mug", "quantity": 1, "unit_price": 40_000},
        ],
        **data,
    }
    return notification.Send(
        cause=cause,
        kind=kind,
        subject_id=CUSTOMER,
        customer_id=CUSTOMER,
        contact={name: CONTACT.pick(name) for name in ("email", "phone", "language")},
        data=about,
    )


def public_cancelled(reason: str, at: datetime = NOW) -> facts.Cancelled:
    """What the world hears of a cancel."""
    return facts.Cancelled(**FACTS, reason=reason, cancelled_at=at)


def public_confirmed(method: str = "card") -> facts.Confirmed:
    """What the world hears of the pivot."""
    return facts.Confirmed(**FACTS, payment_method=method, confirmed_at=NOW)
