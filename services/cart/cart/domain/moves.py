"""What takes lines from one cart to another: both are written in one transaction, or neither."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chassis.decider import Address, Many, Refused

from cart.domain.ids import following
from cart.domain.lines import Limits, Line, poured
from cart.domain.one_cart import Added, Cart, CouponSet, Event, Merged, Opened, Opening, Ordered, PutBack, Status, cart

States = Mapping[str, Cart]
Happened = Sequence[tuple[Address, Event]]


class Unsettled(Exception):
    """The owner's carts were closed faster than they could be looked up: look again."""


@dataclass(frozen=True, slots=True)
class Close:
    """The cart became the order ``order_id``, made of it as it stood at ``version``: ``stood`` units a SKU.

    What came into it since goes to the owner's next cart, whose order will be ``next_order_id``.
    """

    cart_id: str
    order_id: str
    version: int
    stood: Mapping[str, int]
    next_order_id: str


@dataclass(frozen=True, slots=True)
class Merge:
    """All lines of the cart ``guest`` go to the cart that ``opening`` names, which is opened if it is not there."""

    guest: str
    opening: Opening
    limits: Limits


@dataclass(frozen=True, slots=True)
class PutBackLines:
    """What is owed for the cart ``cart_id`` goes to its owner's open cart, or to a new one.

    ``last`` is the owner's last cart as far as is known: it may have been closed since.
    """

    cart_id: str
    last: str
    order_id: str
    limits: Limits


def decide_close(command: Close, states: States) -> Happened:
    """The second order to close a cart is stale news, whether it came by HTTP or as a fact.

    One that was placed before its cart expired, and is heard of after that, is not.
    """
    old, new = (address(id_) for id_ in (command.cart_id, following(command.cart_id)))
    closing = state(states, old)
    if closing.order_id != command.order_id:
        raise Refused("not-this-cart", "This cart is not the order's.")
    if closing.closed and closing.status is not Status.EXPIRED:
        return []
    rest = tuple(
        replace(line, quantity=line.quantity - command.stood.get(line.sku, 0))
        for line in closing.lines
        if line.quantity > command.stood.get(line.sku, 0)
    )
    happened: list[tuple[Address, Event]] = [(old, Ordered(command.version))]
    if rest:
        happened.append((new, Opened(new[1], command.next_order_id, closing.owner, closing.number + 1, rest)))
    return happened


def decide_merge(command: Merge, states: States) -> Happened:
    """A guest's cart is merged once: afterwards it is closed."""
    guest, into = address(command.guest), address(command.opening.cart_id)
    leaving, there = state(states, guest), state(states, into)
    if leaving.status is not Status.OPEN or there.closed:
        raise Refused("cart-closed", "One of the carts was ordered or merged in the meantime.")
    moved = received(there, leaving.lines, leaving.coupon, command.opening, command.limits)
    return [*((into, event) for event in moved), (guest, Merged(command.opening.cart_id))]


def decide_put_back(command: PutBackLines, states: States) -> Happened:
    """What is owed is put back once, which the closed cart's own stream remembers."""
    closed, last, new = (address(id_) for id_ in (command.cart_id, command.last, following(command.last)))
    source, newest = state(states, closed), state(states, last)
    if source.owed is None or source.put_back:
        return []
    into = last if newest.status is Status.OPEN else new
    there = state(states, into)
    if there.closed:
        raise Unsettled(f"{into[1]} was closed in the meantime")
    opening = Opening(into[1], command.order_id, source.owner, newest.number + 1)
    moved = received(there, source.owed, source.owed_coupon, opening, command.limits)
    return [
        *((into, event) for event in moved),
        (closed, PutBack(into[1])),
    ]


def received(there: Cart, lines: Iterable[Line], coupon: str | None, opening: Opening, limits: Limits) -> list[Event]:
    """What happens to a cart, or to one yet to be opened, when ``lines`` come to it, and a coupon where it has none."""
    changed = poured(lines, there.lines, limits)
    happened: list[Event] = []
    if there.status is Status.OPEN:
        happened += [Added(line, quantity) for line, quantity in changed]
    elif changed:
        now = tuple(line for line, _ in changed)
        happened.append(Opened(opening.cart_id, opening.order_id, opening.owner, opening.number, now))
    else:
        return []
    return [*happened, CouponSet(coupon)] if coupon and not there.coupon else happened


def address(cart_id: str) -> Address:
    """The stream of a cart."""
    return cart, cart_id


def state(states: States, at: Address) -> Cart:
    """The cart at this address."""
    return states[cart.name(at[1])]


def addresses(*cart_ids: str) -> Sequence[Address]:
    """Each of them once."""
    return [address(id_) for id_ in dict.fromkeys(cart_ids)]


close: Many[Close] = Many(lambda c: addresses(c.cart_id, following(c.cart_id)), decide_close)
merge: Many[Merge] = Many(lambda c: addresses(c.guest, c.opening.cart_id), decide_merge)
put_back_lines: Many[PutBackLines] = Many(lambda c: addresses(c.cart_id, c.last, following(c.last)), decide_put_back)
