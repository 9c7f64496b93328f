"""Carts as they are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from chassis.http import Way
from chassis.rows import Meta, Put
from chassis.service import Service
from pydantic import TypeAdapter

from cart.coupons import Known, known
from cart.domain import Abandoned, Expired, Gone, Line, Merged, Opened, Ordered, Status
from cart.tables import carts
from cart.variants import Variant


def cart_view(event: Any, cart: Any, meta: Meta) -> Iterable[Put]:
    """One row a cart."""
    row = {
        "cart_id": cart.cart_id,
        "owner": cart.owner,
        "number": cart.number,
        "order_id": cart.order_id,
        "status": cart.status,
        "lines": cart.lines,
        "coupon": cart.coupon,
        "version": meta.version,
    }
    match event:
        case Abandoned():
            row["abandoned_at"] = meta.recorded_at
        case Opened() | Gone():
            row["opened_at"] = row["updated_at"] = meta.recorded_at
        case Ordered() | Merged() | Expired():
            row["closed_at"] = row["updated_at"] = meta.recorded_at
        case _:
            row["updated_at"] = meta.recorded_at
    yield Put(carts, row)


@dataclass(frozen=True, slots=True)
class Stored:
    """A cart's row."""

    cart_id: str
    owner: str
    number: int
    order_id: str
    status: Status
    version: int
    lines: tuple[Line, ...]
    coupon: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An owner's last cart, open or closed, with the variants of its lines and the one asked for, and its coupon."""

    cart: Stored | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)
    coupon: Known | None = None

    @property
    def open(self) -> Stored | None:
        """The cart, if things can be put in it."""
        return self.cart if self.cart is not None and self.cart.status is Status.OPEN else None

    def variant(self, sku: str | None, variant_id: str | None) -> Variant | None:
        """The one with this SKU or id. Where a SKU went from one variant to another, the one that is sold."""
        if variant_id is not None:
            return self.variants.get(variant_id)
        named = [each for each in self.variants.values() if each.sku == sku]
        return max(named, key=lambda each: each.active, default=None)


FIND = """
select mine.*, (
    select coalesce(json_agg(json_build_array(
        variant_id, sku, name, options, price, active,
        coalesce((select available > 0 from stock where stock.sku = variants.sku), true), sales)), '[]')
    from variants
    where sku = $2 or variant_id = any(
        array(select line ->> 'variant_id' from jsonb_array_elements(mine.lines) line) || $3::text)
) as variants
from (values (1)) as always left join (
    select cart_id, owner, number, order_id, status, version, lines, coupon
    from carts where owner = $1 order by number desc limit 1
) mine on true
"""  # $1 owner, $2 a SKU or null, $3 a variant's id or null: the owner's last cart and all variants, in one query
LAST = "select cart_id from carts where owner = $1 order by number desc limit 1"

LINES = TypeAdapter(tuple[Line, ...])


async def find(service: Service, owner: str | None, *, sku: str | None = None, variant_id: str | None = None) -> Found:
    """The owner's last cart and what there is to know about it: one query, and for a coupon one or two more."""
    row = await service.database.pool.fetchrow(FIND, owner, sku, variant_id)
    assert row is not None
    variants = {each[0]: Variant(*each) for each in orjson.loads(row["variants"])}
    if row["cart_id"] is None:
        return Found(None, variants)
    head = (row["cart_id"], row["owner"], row["number"], row["order_id"], Status(row["status"]), row["version"])
    stored = Stored(*head, LINES.validate_json(row["lines"]), row["coupon"])
    if stored.coupon is None or stored.status is not Status.OPEN:
        return Found(stored, variants)
    return Found(stored, variants, await known(service, stored.coupon, stored.owner, stored.lines))


async def last(service: Service, owner: str) -> str:
    """The id of the owner's newest cart; they have one."""
    return str(await service.database.pool.fetchval(LAST, owner))


NEWEST = [("cart_id", True)]
"""Ids are given in the order of time."""


def way(owner: str | None, status: str | None) -> Way:
    """For ``read_page``: to the carts of one owner, or of all."""
    wanted = [carts.c.owner == owner] if owner is not None else []
    return [*wanted, carts.c.status == status if status is not None else carts.c.status != Status.GONE]
