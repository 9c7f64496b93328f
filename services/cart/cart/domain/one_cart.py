"""One cart: what somebody means to buy, at the prices they were promised."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from chassis.decider import Call, Decider, Effect, Refused, Send
from soko_contracts import cart as contract

from cart.domain.lines import Limits, Line, held, line_of, public

CUSTOMER = "user:"


class Status(StrEnum):
    """Where a cart is in its life. What is not new or open is closed for good.

    Of one that is gone only its place in its owner's row of carts is left.
    """

    NEW = "new"
    OPEN = "open"
    ORDERED = "ordered"
    MERGED = "merged"
    EXPIRED = "expired"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Cart:
    """``order_id`` becomes the order's. ``number`` counts the carts of ``owner``.

    ``coupon`` is the code of the coupon that its order shall have. ``owed`` and ``owed_coupon`` are to be put back.
    """

    cart_id: str = ""
    order_id: str = ""
    owner: str = ""
    number: int = 0
    status: Status = Status.NEW
    lines: tuple[Line, ...] = ()
    owed: tuple[Line, ...] | None = None
    put_back: bool = False
    coupon: str | None = None
    abandoned: bool = False
    owed_coupon: str | None = None

    @property
    def closed(self) -> bool:
        """Nothing is ever added to it again."""
        return self.status not in {Status.NEW, Status.OPEN}


@dataclass(frozen=True, slots=True)
class Opening:
    """What a cart is opened with where a command meets none: ``number`` is one more than the owner's last."""

    cart_id: str
    order_id: str
    owner: str
    number: int


@dataclass(frozen=True, slots=True)
class Add:
    """Put ``line.quantity`` units in the cart; ``line.unit_price`` is today's, ``line.priced_at`` is now.

    A line with this SKU keeps its own price for ``hold`` and then takes today's.
    """

    opening: Opening
    line: Line
    hold: timedelta
    limits: Limits


@dataclass(frozen=True, slots=True)
class SetQuantity:
    """The line has so many units now."""

    item_id: str
    quantity: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Remove:
    """Take a line out."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Empty:
    """Take all lines out."""


@dataclass(frozen=True, slots=True)
class SetCoupon:
    """The cart's order shall have this coupon; whether it can is known when it is placed."""

    code: str


@dataclass(frozen=True, slots=True)
class ClearCoupon:
    """The cart's order shall have no coupon."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """Nothing has happened to these lines for a while: say so, once a cart. With other lines it is stale."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Expire:
    """Nothing has happened to these lines for so long that the cart is closed. With other lines it is stale."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class AskPutBack:
    """The order made of this cart was given up: its lines and its coupon are the owner's again."""

    order_id: str
    lines: tuple[Line, ...]
    coupon: str | None = None


Command = Add | SetQuantity | Remove | Empty | SetCoupon | ClearCoupon | Abandon | Expire | AskPutBack


@dataclass(frozen=True, slots=True)
class Opened:
    """The owner's next cart was begun."""

    cart_id: str
    order_id: str
    owner: str
    number: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """``quantity`` units came in; ``line`` is what their line is now."""

    line: Line
    quantity: int


@dataclass(frozen=True, slots=True)
class QuantitySet:
    """The line has so many units now."""

    item_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Removed:
    """The line is gone."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Emptied:
    """All lines are gone."""


@dataclass(frozen=True, slots=True)
class CouponSet:
    """The cart has this coupon."""

    code: str


@dataclass(frozen=True, slots=True)
class CouponCleared:
    """The cart has no coupon any more."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The customer left the lines that stand in it."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Nothing had happened to it for so long that it was closed."""


@dataclass(frozen=True, slots=True)
class Gone:
    """All that happened to a customer's expired cart was deleted. The first event of its stream, and the only one."""

    cart_id: str
    order_id: str
    owner: str
    number: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """The cart became its order, made of what stood in it at ``version``."""

    version: int


@dataclass(frozen=True, slots=True)
class Merged:
    """All lines moved to the cart ``into``."""

    into: str


@dataclass(frozen=True, slots=True)
class PutBackAsked:
    """These lines, and the coupon, are owed to the owner."""

    lines: tuple[Line, ...]
    coupon: str | None = None


@dataclass(frozen=True, slots=True)
class PutBack:
    """The lines that were owed are in the cart ``into``."""

    into: str


Change = Opened | Added | QuantitySet | Removed | Emptied | CouponSet | CouponCleared
End = Ordered | Merged | PutBackAsked | PutBack | Abandoned | Expired | Gone
Event = Change | End

EVENTS: dict[str, type] = {
    "opened.v1": Opened,
    "added.v1": Added,
    "quantity_set.v1": QuantitySet,
    "removed.v1": Removed,
    "emptied.v1": Emptied,
    "coupon_set.v1": CouponSet,
    "coupon_cleared.v1": CouponCleared,
    "ordered.v1": Ordered,
    "merged.v1": Merged,
    "put_back_asked.v1": PutBackAsked,
    "put_back.v1": PutBack,
    "abandoned.v1": Abandoned,
    "expired.v1": Expired,
    "gone.v1": Gone,
}


def decide(command: Command, cart: Cart) -> Sequence[Event]:
    """The rules of a single cart."""
    if isinstance(command, AskPutBack):
        return ask_put_back(command, cart)
    if isinstance(command, Abandon | Expire):
        return pass_by(command, cart)
    if cart.closed:
        raise Refused("cart-closed", "This cart was closed; the next one takes its place.")
    match command:
        case Add():
            return add(command, cart)
        case SetQuantity(item_id, quantity, limits):
            line = find(cart, item_id)
            if quantity > limits.quantity:
                raise too_many(line.sku, limits)
            return [QuantitySet(item_id, quantity)] if quantity != line.quantity else []
        case Remove(item_id):
            return [Removed(find(cart, item_id).item_id)]
        case Empty():
            return [Emptied()] if cart.lines else []
        case SetCoupon(code):
            if cart.status is Status.NEW:
                raise Refused("coupon-out-of-scope", "There is nothing in the cart that a coupon could be for.")
            return [CouponSet(code)] if code != cart.coupon else []
        case ClearCoupon():
            return [CouponCleared()] if cart.coupon is not None else []
        case _:
            assert_never(command)


def add(command: Add, cart: Cart) -> Sequence[Event]:
    """One more line, or more units of one that is there."""
    line, limits, opening = command.line, command.limits, command.opening
    there = line_of(cart.lines, line.sku)
    quantity = line.quantity + (there.quantity if there else 0)
    if quantity > limits.quantity:
        raise too_many(line.sku, limits)
    if there is None and len(cart.lines) >= limits.lines:
        raise Refused("cart-full", f"A cart takes {limits.lines} different articles.", limit=limits.lines)
    if cart.status is Status.NEW:
        return [Opened(opening.cart_id, opening.order_id, opening.owner, opening.number, (line,))]
    if there is None:
        return [Added(line, line.quantity)]
    if held(there, line.priced_at, command.hold):
        return [Added(replace(there, quantity=quantity), line.quantity)]
    return [Added(replace(line, item_id=there.item_id, quantity=quantity), line.quantity)]


def pass_by(command: Abandon | Expire, cart: Cart) -> Sequence[Event]:
    """What time does to a cart that nobody touches; whoever looked may have looked too early."""
    if cart.status is not Status.OPEN or cart.lines != command.lines:
        return []
    if isinstance(command, Expire):
        return [Expired()]
    return [Abandoned()] if not cart.abandoned and cart.lines and customer(cart.owner) else []


def ask_put_back(command: AskPutBack, cart: Cart) -> Sequence[Event]:
    """Asked twice is asked once; what closes the cart may still be on its way."""
    if cart.order_id != command.order_id:
        raise Refused("not-this-cart", "This cart was not the order's.")
    return [PutBackAsked(command.lines, command.coupon)] if cart.owed is None else []


def find(cart: Cart, item_id: str) -> Line:
    """The line with this id. Raises Refused."""
    found = next((line for line in cart.lines if line.item_id == item_id), None)
    if found is None:
        raise Refused("item-gone", "This line was taken out of the cart in the meantime.")
    return found


def too_many(sku: str, limits: Limits) -> Refused:
    """No to more units of one SKU than a line takes."""
    detail = f"A cart takes at most {limits.quantity} of {sku}."
    return Refused("quantity-limit", detail, sku=sku, limit=limits.quantity)


def evolve(cart: Cart, event: Event) -> Cart:
    """The cart after one more event."""
    match event:
        case Opened():
            return Cart(event.cart_id, event.order_id, event.owner, event.number, Status.OPEN, event.lines)
        case Added(line, _):
            if line_of(cart.lines, line.sku) is None:
                return replace(cart, lines=(*cart.lines, line))
            return replace(cart, lines=tuple(line if old.sku == line.sku else old for old in cart.lines))
        case QuantitySet(item_id, quantity):
            lines = (replace(old, quantity=quantity) if old.item_id == item_id else old for old in cart.lines)
            return replace(cart, lines=tuple(lines))
        case Removed(item_id):
            return replace(cart, lines=tuple(line for line in cart.lines if line.item_id != item_id))
        case Emptied():
            return replace(cart, lines=())
        case CouponSet(code):
            return replace(cart, coupon=code)
        case CouponCleared():
            return replace(cart, coupon=None)
        case Ordered():
            return replace(cart, status=Status.ORDERED)
        case Merged():
            return replace(cart, status=Status.MERGED)
        case Abandoned():
            return replace(cart, abandoned=True)
        case Expired():
            return replace(cart, status=Status.EXPIRED)
        case Gone():
            return Cart(event.cart_id, event.order_id, event.owner, event.number, Status.GONE)
        case PutBackAsked(lines, coupon):
            return replace(cart, owed=lines, owed_coupon=coupon)
        case PutBack():
            return replace(cart, put_back=True)
        case _:
            assert_never(event)


def react(event: Event, cart: Cart) -> Sequence[Effect]:
    """Tell that a cart was opened; once what is owed meets a closed cart, see to it that it is put back."""
    match event:
        case Opened(cart_id, _, owner, _, lines):
            return [Send(contract.Opened(cart_id=cart_id, customer_id=customer(owner), lines=public(lines)))]
        case Abandoned():
            customer_id = customer(cart.owner)
            assert customer_id is not None
            told = contract.Abandoned(cart_id=cart.cart_id, customer_id=customer_id, lines=public(cart.lines))
            return [Send(told)]
        case PutBackAsked() | Ordered() | Merged() | Expired() if cart.closed and cart.owed is not None:
            return [Call("put_back", key=cart.cart_id, request={"cart_id": cart.cart_id, "owner": cart.owner})]
        case _:
            return []


def customer(owner: str) -> str | None:
    """The user's id, or None for a guest."""
    return owner.removeprefix(CUSTOMER) if owner.startswith(CUSTOMER) else None


cart = Decider("cart", Cart(), decide, evolve, react)
