"""One request on somebody's cart: whose it is, and the whole cart as the answer."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from chassis.context import Context
from chassis.decider import Refused
from chassis.executing import Moved
from chassis.http import (
    FORBIDDEN,
    Caller,
    Precondition,
    Problem,
    Tags,
    current_service,
    precondition,
    replayed,
    request_context,
    tagging,
)
from chassis.service import Service
from fastapi import Depends, Response

from cart.api.answers import CartAnswer, cart_answer, cart_coupon
from cart.domain import Cart, Line, Opening, following
from cart.settings import Settings
from cart.showing import Shown, shown
from cart.variants import Variant
from cart.views import Found, find

T = TypeVar("T")

ROUNDS = 5
"""How often a write follows an owner whose cart was closed under it."""
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Visit:
    """The request and what serves it."""

    response: Response
    service: Service
    context: Context
    tags: Tags
    known: Precondition = field(default_factory=Precondition)
    """What the client thinks the cart is: only on routes that change it."""

    @property
    def settings(self) -> Settings:
        """The cart's."""
        assert isinstance(self.service.settings, Settings)
        return self.service.settings

    def shown(self, lines: Sequence[Line], variants: Mapping[str, Variant]) -> list[Shown]:
        """Lines at today's clock."""
        return shown(lines, variants, self.service.world.clock(), self.settings.price_hold)

    def answer(self, cart_id: str | None, lines: Sequence[Line], variants: Mapping[str, Variant]) -> CartAnswer:
        """The whole cart, without a coupon."""
        return cart_answer(cart_id, self.shown(lines, variants), self.settings.shop_currency)

    def found(self, found: Found) -> CartAnswer:
        """The same of what is stored; without an open cart there is an empty one."""
        if found.open is None:
            return self.answer(None, (), {})
        mine = found.open
        if mine.coupon is None or found.coupon is None:
            return self.answer(mine.cart_id, mine.lines, found.variants)
        lines = self.shown(mine.lines, found.variants)
        coupon = cart_coupon(mine.coupon, found.coupon.objection(lines, self.service))
        return cart_answer(mine.cart_id, lines, self.settings.shop_currency, coupon)

    def check(self, found: Found) -> int | None:
        """412 where the client's ``If-Match`` is about another cart than this; else the version to expect of it."""
        if self.known.given:
            self.known.check(fingerprint(self.found(found)))
        return self.known.at(found.open.version if found.open else 0)

    def read(self, found: Found) -> CartAnswer | Response:
        """The cart, or 304 where the client has just this."""
        answer = self.found(found)
        return self.tags.unchanged(fingerprint(answer)) or answer

    async def written(self, cart: Cart, found: Found) -> CartAnswer:
        """The cart after a write, with the variants that were found before it; others joined it only in a race.

        One with a coupon is read anew: the write may have changed whether it applies.
        """
        if cart.coupon is not None:
            return self.tag(self.found(await find(self.service, cart.owner)))
        variants = found.variants
        if any(line.variant_id not in variants for line in cart.lines):
            variants = (await find(self.service, cart.owner)).variants
        return self.tag(self.answer(cart.cart_id, cart.lines, variants))

    async def replay(self, owner: str | None) -> CartAnswer:
        """The cart as it is now, for a request that took effect before."""
        replayed(self.response)
        return self.tag(self.found(await find(self.service, owner)))

    def tag(self, answer: CartAnswer) -> CartAnswer:
        """Say which version this is; prices are never to be kept."""
        self.tags.tell(fingerprint(answer))
        return answer

    def opening(self, caller: Caller, found: Found) -> Opening:
        """The cart that a write goes to: the open one, the next one, or the first one.

        A guest who is not known yet is given a token, in the answer's header and nowhere else.
        """
        ids = self.service.world.ids
        if found.open is not None:
            return Opening(found.open.cart_id, found.open.order_id, found.open.owner, found.open.number)
        if found.cart is not None:
            return Opening(following(found.cart.cart_id), ids(), found.cart.owner, found.cart.number + 1)
        if caller.user_id is not None:
            return Opening(following(caller.user_id), ids(), caller.key, 1)
        token = base64.urlsafe_b64encode(self.service.world.random.randbytes(TOKEN_BYTES)).decode().rstrip("=")
        owner = Caller(cart_token=token).key
        self.response.headers["X-Cart-Token"] = token
        return Opening(ids(), ids(), owner, 1)


async def visiting(
    response: Response,
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
    tags: Tags = Depends(tagging),
) -> Visit:
    """For routes that answer the cart."""
    return Visit(response, service, context, tags)


async def changing(visit: Visit = Depends(visiting), known: Precondition = Depends(precondition)) -> Visit:
    """For routes that change the cart as the client knows it."""
    return replace(visit, known=known)


def owner_of(caller: Caller) -> str | None:
    """Whose cart: a signed-in person's, else that of whoever holds the token. Null for a guest without one."""
    if caller.user_id is None and caller.client_id is not None:
        raise Problem(FORBIDDEN, "Carts are for people, not for clients of the API.")
    return caller.key if caller.known else None


def fingerprint(answer: CartAnswer) -> str:
    """What changes whenever something shown does: prices and stock change without the cart."""
    return hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:24]


async def on_the_open_cart(attempt: Callable[[], Awaitable[T]]) -> T:
    """Make ``attempt`` again, from its look at the owner's cart on, where that cart was closed meanwhile.

    And where it is no longer as ``If-Match`` was checked against: the next check finds that out.
    """
    rounds = ROUNDS
    while True:
        try:
            return await attempt()
        except Moved:
            continue
        except Refused as no:
            rounds -= 1
            if no.slug != "cart-closed" or not rounds:
                raise
