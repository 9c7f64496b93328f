"""What comes in."""

from typing import Annotated, Any, Literal

from chassis.http import Body, Money
from pydantic import ConfigDict, Field, StrictBool

from order.api.fields import Code, Country, CouponCode, Email, Filled, Id, Line, Phone, Secret, Sku, Text
from order.shipments import ShipmentStatus

ADDRESS: dict[str, Any] = {
    "name": "A. Customer",
    "phone": "+254700000001",
    "line1": "1 Market St",
    "city": "Nairobi",
    "postal_code": "00100",
    "country": "KE",
}
CARD: dict[str, Any] = {"method": "card", "token": "tok_success"}


def example(**values: Any) -> ConfigDict:
    """A model's configuration that shows it with these values in the API's documents."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class PostalAddress(Body):
    """Where it goes. ``country`` as two letters."""

    model_config = example(**ADDRESS)

    name: Filled
    phone: Phone
    line1: Filled
    line2: Line | None = None
    city: Filled
    region: Line | None = None
    postal_code: Annotated[Line, Field(max_length=20)] | None = None
    country: Country
    instructions: Text | None = None


class PaymentChoice(Body):
    """How to pay; which of the others is needed, ``GET /payments/methods`` says."""

    model_config = example(**CARD)

    method: Code
    token: Secret | None = Field(None, description="The card's token, from the provider's form.", repr=False)
    phone: Phone | None = Field(None, description="The paying phone, in international form.", repr=False)


class PlaceBody(Body):
    """Order what is in the cart: to ``shipping_address``, or to ``address_id`` out of the customer's own.

    Guests give their ``email``. Without ``payment`` the order waits to be paid. With ``expected_total`` it is placed at
    that price or not at all. ``coupon`` takes the place of the cart's own.
    """

    model_config = example(shipping_address=ADDRESS, shipping_method="standard", payment=CARD)

    shipping_address: PostalAddress | None = None
    address_id: Id | None = None
    shipping_method: Code
    payment: PaymentChoice | None = None
    email: Email | None = None
    coupon: CouponCode | None = None
    coupon_required: StrictBool = False
    expected_total: Money | None = None


class QuoteBody(Body):
    """Everything is optional: the more is said, the more certain the quote."""

    model_config = example(shipping_method="standard")

    address: PostalAddress | None = None
    shipping_method: Code | None = None
    coupon: CouponCode | None = None


class AddressBody(Body):
    """The address as it shall be, whole."""

    model_config = example(shipping_address=ADDRESS)

    shipping_address: PostalAddress


class CancelBody(Body):
    """``reason`` is for people: what is written is kept with the order."""

    model_config = example(reason="I found it cheaper")

    reason: Text | None = None


class ParcelLine(Body):
    """So many units of a SKU."""

    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class ShipmentBody(Body):
    """A parcel of its own; without ``lines`` all that nobody has packed yet."""

    model_config = example(lines=[{"sku": "KET-1", "quantity": 1}], carrier="Posta", tracking_number="EK123456785KE")

    lines: Annotated[list[ParcelLine], Field(min_length=1, max_length=1000)] | None = None
    carrier: Filled | None = None
    tracking_number: Filled | None = None


class ShipmentPatch(Body):
    """What is left out stays as it is."""

    model_config = example(status="in_transit", tracking_number="EK123456785KE")

    status: ShipmentStatus | None = None
    carrier: Filled | None = None
    tracking_number: Filled | None = None


class RefundBody(Body):
    """``amount``, or what was paid for the units ``lines``, less their share of a discount; else all that is left."""

    model_config = example(amount={"amount": "500.00", "currency": "KES"}, reason="Arrived with a dent")

    amount: Money | None = None
    lines: Annotated[list[ParcelLine], Field(min_length=1, max_length=1000)] | None = None
    reason: Annotated[Filled, Field(max_length=200)] = "by_staff"


class MarkPaidBody(Body):
    """``reference`` is the receipt, or the bank's line."""

    reference: Filled


class NothingBody(Body):
    """Nothing has to be said."""


Status = Literal[
    "pending",
    "awaiting_payment",
    "confirmed",
    "processing",
    "partially_shipped",
    "shipped",
    "delivered",
    "cancelling",
    "cancelled",
]
PaymentStatus = Literal[
    "unpaid",
    "requires_action",
    "processing",
    "authorised",
    "captured",
    "partially_refunded",
    "refunded",
    "refund_failed",
    "failed",
    "voided",
]
RefundStatus = Literal["pending", "succeeded", "failed"]
