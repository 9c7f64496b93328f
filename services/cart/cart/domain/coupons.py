"""One coupon: what it gives, to whom, when, and how often it is used.

Its id is made of its code, so two coupons of one code are one stream, and its version check lets one of them be. A
code is never given anew: what old orders say of it stays true.

Every use in all is counted here, one event each, on the stream that also holds the limit: that is what lets a hundred
orders at once find one use. Orders come as messages, of which one worker decides many in memory and writes them in one
go, so they wait for nobody; what one customer has used is counted apart, on ``customer_uses``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from chassis.decider import Decider, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Exactly one of ``percent`` (1 to 100), ``amount`` (minor units) and ``free_shipping``; the rest narrows it.

    ``min_total``: what all lines must come to. Without categories and products it is for everything.
    """

    percent: int | None = None
    amount: int | None = None
    free_shipping: bool = False
    min_total: int | None = None
    max_uses: int | None = None
    max_uses_per_customer: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    category_ids: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()

    @property
    def scoped(self) -> bool:
        """It is for some things only."""
        return bool(self.category_ids or self.product_ids)

    def flaw(self) -> tuple[str, str] | None:
        """The field that makes no sense, and the rule it breaks."""
        if [self.percent is not None, self.amount is not None, self.free_shipping].count(True) != 1:
            return "percent", "or amount or free_shipping is required, and only one of them"
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            return "ends_at", "must be after starts_at"
        return None


@dataclass(frozen=True, slots=True)
class Coupon:
    """``used``: by how many orders that are not cancelled. ``changes`` counts what staff did to it."""

    coupon_id: str = ""
    code: str = ""
    terms: Terms = Terms()
    used: int = 0
    changes: int = 0
    withdrawn: bool = False

    @property
    def there(self) -> bool:
        """It can be used at all."""
        return bool(self.code) and not self.withdrawn


@dataclass(frozen=True, slots=True)
class Create:
    """Have a coupon of this code."""

    coupon_id: str
    code: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Change:
    """These terms are others now. Orders that were placed keep what they were promised."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Nobody shall use it any more."""


Command = Create | Change | Withdraw


@dataclass(frozen=True, slots=True)
class Created:
    """There is such a coupon."""

    coupon_id: str
    code: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Changed:
    """Its terms are these."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It cannot be used any more."""


@dataclass(frozen=True, slots=True)
class Used:
    """An order has one use of it."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Freed:
    """The order gave its use back."""

    order_id: str


Event = Created | Changed | Withdrawn | Used | Freed

EVENTS: dict[str, type] = {
    "created.v1": Created,
    "changed.v1": Changed,
    "withdrawn.v1": Withdrawn,
    "used.v1": Used,
    "freed.v1": Freed,
}


def decide(command: Command, coupon: Coupon) -> Sequence[Event]:
    """What staff may do."""
    match command:
        case Create(coupon_id, code, terms):
            if coupon.code:
                raise Refused("coupon-exists", f"There is, or was, a coupon {code}; codes are not given twice.")
            return [Created(coupon_id, code, terms)]
        case Change(changes):
            if not coupon.there:
                raise Refused("not-found", "There is no such coupon.")
            terms = replace(coupon.terms, **changes)
            if flaw := terms.flaw():
                raise Refused("conflict", f"With what was changed meanwhile, {flaw[0]} {flaw[1]}.")
            return [Changed(terms)] if terms != coupon.terms else []
        case Withdraw():
            return [Withdrawn()] if coupon.there else []
        case _:
            assert_never(command)


def evolve(coupon: Coupon, event: Event) -> Coupon:
    """The coupon after one more event."""
    match event:
        case Created(coupon_id, code, terms):
            return Coupon(coupon_id, code, terms, changes=1)
        case Changed(terms):
            return replace(coupon, terms=terms, changes=coupon.changes + 1)
        case Withdrawn():
            return replace(coupon, withdrawn=True, changes=coupon.changes + 1)
        case Used():
            return replace(coupon, used=coupon.used + 1)
        case Freed():
            return replace(coupon, used=coupon.used - 1)
        case _:
            assert_never(event)


def left(coupon: Coupon, customer_id: str | None, used_by_customer: int) -> Refused | None:
    """Why this customer cannot have one use more; None when they can."""
    terms = coupon.terms
    if not coupon.there:
        return Refused("coupon-unknown", "There is no such coupon.")
    if terms.max_uses is not None and coupon.used >= terms.max_uses:
        return Refused("coupon-used-up", f"The coupon {coupon.code} is used up.")
    if terms.max_uses_per_customer is None:
        return None
    if customer_id is None:
        return Refused("coupon-needs-account", f"The coupon {coupon.code} needs an account.")
    if used_by_customer >= terms.max_uses_per_customer:
        return Refused("coupon-already-used", f"You have used the coupon {coupon.code}.")
    return None


def fits(coupon: Coupon, subtotal: int, covers_any: bool, now: datetime) -> Refused | None:
    """Why a cart that comes to ``subtotal`` cannot have it now, whoever's it is; None when it can."""
    terms = coupon.terms
    if terms.starts_at is not None and now < terms.starts_at:
        return Refused("coupon-not-started", f"The coupon {coupon.code} is not valid yet.", starts_at=terms.starts_at)
    if terms.ends_at is not None and now >= terms.ends_at:
        return Refused("coupon-expired", f"The coupon {coupon.code} has expired.", ends_at=terms.ends_at)
    if not covers_any:
        return Refused("coupon-out-of-scope", f"Nothing in the cart is what the coupon {coupon.code} is for.")
    if terms.min_total is not None and subtotal < terms.min_total:
        return Refused(
            "coupon-below-minimum", f"The cart is worth too little for {coupon.code}.", least=terms.min_total
        )
    return None


coupon = Decider("coupon", Coupon(), decide, evolve)
