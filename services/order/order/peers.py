"""What an order reads of the other services, with no transaction open.

Everything may have changed by the time the order is placed: the cart's version says which state of it was ordered, and
its ``order_id`` lets it be ordered once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.context import Context
from chassis.http import PROBLEMS, Caller, PeerAnswer, Problem, invalid
from chassis.service import Service

from order.state import Order
from order.totals import Line, Reduction


@dataclass(frozen=True, slots=True)
class Coupon:
    """The coupon that the order shall have, and what it takes off these lines."""

    coupon_id: str
    code: str
    reduction: Reduction


@dataclass(frozen=True, slots=True)
class Cart:
    """The caller's open cart at ``version``, as it would be charged now."""

    cart_id: str
    order_id: str
    version: int
    customer_id: str | None
    owner: str
    lines: tuple[Line, ...]
    coupon: Coupon | None
    refusal: Problem | None
    """What stands against the coupon that the cart has, or that was asked for."""
    flags: Mapping[str, tuple[str, ...]]
    """By SKU: price_changed, unavailable."""


async def read_cart(service: Service, caller: Caller, context: Context, coupon: str | None = None) -> Cart | None:
    """The caller's open cart, or None; with ``coupon``, with that one in place of its own."""
    path = "/internal/v1/cart" if coupon is None else f"/internal/v1/cart?coupon={coupon}"
    answer = await service.world.peers.get("cart", path, caller=caller, context=context)
    if answer.status == 404:
        return None
    found = _good(answer)
    return Cart(
        cart_id=found["cart_id"],
        order_id=found["order_id"],
        version=found["version"],
        customer_id=found["customer_id"],
        owner=found["owner"],
        lines=tuple(_line(line) for line in found["lines"]),
        coupon=_coupon(found["coupon"]) if found.get("coupon") else None,
        refusal=_refusal(found["refusal"]) if found.get("refusal") else None,
        flags={line["sku"]: _flags(line) for line in found["lines"]},
    )


def _coupon(coupon: Mapping[str, Any]) -> Coupon:
    skus = None if coupon["skus"] is None else frozenset(coupon["skus"])
    reduction = Reduction(
        percent=coupon["percent"], amount=coupon["amount"], free_shipping=coupon["free_shipping"], skus=skus
    )
    return Coupon(coupon["coupon_id"], coupon["code"], reduction)


def _refusal(refusal: Mapping[str, Any]) -> Problem:
    return Problem(PROBLEMS[refusal["slug"]], refusal["detail"], **refusal["extra"])


def _line(line: Mapping[str, Any]) -> Line:
    return Line(
        sku=line["sku"],
        variant_id=line["variant_id"],
        name=line["name"],
        quantity=line["quantity"],
        unit_price=line["unit_price"],
        priced_at=datetime.fromisoformat(line["priced_at"]),
    )


def _flags(line: Mapping[str, Any]) -> tuple[str, ...]:
    flags = {"price_changed": line["price_changed"], "unavailable": not line["available"]}
    return tuple(flag for flag, raised in flags.items() if raised)


async def close_cart(service: Service, context: Context, placed: Order) -> None:
    """Have the cart that was ordered close now: what was added since goes to the owner's next one."""
    body = {
        "order_id": placed.order_id,
        "version": placed.cart_version,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in placed.lines],
    }
    path = f"/internal/v1/carts/{placed.cart_id}/close"
    _good(await service.world.peers.post("cart", path, body, context=context))


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the customer; ``address`` is one of their own, if one was asked for."""

    email: str | None
    phone: str | None
    language: str
    address: Mapping[str, Any] | None = None


async def read_contact(service: Service, caller: Caller, context: Context, address_id: str | None) -> Contact:
    """The signed-in caller's contact. 422 for an address that is not theirs."""
    path = "/internal/v1/users/me/contact" + (f"?address_id={address_id}" if address_id else "")
    answer = await service.world.peers.get("identity", path, caller=caller, context=context)
    if answer.status == 404:
        raise invalid("/address_id", "must be one of your addresses")
    found = _good(answer)
    return Contact(found["email"], found["phone"], found["language"], found.get("address"))


def _good(answer: PeerAnswer) -> Any:
    if not answer.ok:
        raise answer.problem()
    return answer.json()
