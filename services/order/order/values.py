"""What an order's commands, events and state are made of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from soko_contracts.sealed import Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where it goes. What names a person or a door is sealed."""

    sealed: Sealed
    country: str
    region: str | None
    postal_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """How the customer wants to pay. The secrets are sealed under the payment's own id."""

    payment_id: str
    method: str
    token: Sealed | None = None
    phone: Sealed | None = None

    @property
    def secret(self) -> bool:
        """Something was sealed, so there is a key to forget."""
        return self.token is not None or self.phone is not None


class CouponStatus(StrEnum):
    """Where an order's use of a coupon is. An order that is cancelled has none, whatever stands here."""

    ASKED = "asked"
    REDEEMED = "redeemed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The coupon that an order was placed with. ``required``: without it the order is off.

    ``shipping`` is what sending costs where the coupon is rejected, in minor units.
    """

    coupon_id: str
    code: str
    required: bool
    shipping: int
    status: CouponStatus = CouponStatus.ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A SKU of which less was ``available`` than was ``requested``."""

    sku: str
    requested: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long this order waits for what, in seconds, as the settings were when it was placed.

    ``stock``: inventory's answer. ``window``: the time to pay. ``grace``: how much longer than the window the units
    are held. ``ask``: first delay before payment is asked again, doubled each time. ``give_up``: how long a
    cancel waits for payment's answer. ``attempts``: failures until the order is cancelled.
    """

    stock: float = 60
    window: float = 15 * 60
    grace: float = 5 * 60
    ask: float = 30
    give_up: float = 60 * 60
    attempts: int = 5


Reason = Literal[
    "out_of_stock", "stock_timeout", "coupon_rejected", "payment_failed", "payment_timeout", "by_customer", "by_staff"
]
