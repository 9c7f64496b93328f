"""The cart's own copy of what is sold and for how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from chassis.context import Context
from chassis.http import UNAVAILABLE, Caller, PeerAnswer, Problem
from chassis.rows import Keep
from chassis.service import Service
from soko_contracts import adapter, catalog

from cart.tables import variants

ASKED = 0
"""The sequence of a row that was asked for: any event is newer."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One SKU as it is now: ``price`` in minor units, ``active`` when it is sold, ``in_stock`` as far as is known.

    ``sales`` are periods in which it costs less: from when, until before when, how much; none overlap.
    """

    variant_id: str
    sku: str
    name: str
    options: Mapping[str, str]
    price: int
    active: bool
    in_stock: bool = True
    sales: Sequence[tuple[str, str, int]] | None = None

    def price_at(self, moment: datetime) -> int:
        """What it costs then: a sale begins and ends by the clock, without a message."""
        for begin, end, price in self.sales or ():
            if datetime.fromisoformat(begin) <= moment < datetime.fromisoformat(end):
                return price
        return self.price


def kept(variant: catalog.Variant, sequence: int) -> Keep:
    """The row of the copy."""
    return Keep(
        variants,
        {
            "variant_id": variant.variant_id,
            "product_id": variant.product_id,
            "sku": variant.sku,
            "name": variant.name,
            "options": variant.options,
            "price": variant.price,
            "sales": _periods(variant) or None,
            "active": variant.active,
            "sequence": sequence,
        },
    )


def _periods(variant: catalog.Variant) -> list[tuple[str, str, int]]:
    return [(each.starts_at.isoformat(), each.ends_at.isoformat(), each.price) for each in variant.sales]


async def learn(
    service: Service, context: Context, caller: Caller, *, sku: str | None, variant_id: str | None
) -> Variant | None:
    """Ask the catalog for a variant that no event has told of yet, and keep what it says. No transaction is open.

    None when there is none. Raises a Problem while the catalog cannot be reached.
    """
    peers = service.world.peers
    if sku is None:
        answer = await peers.get("catalog", f"/api/v1/variants/{variant_id}", caller=caller, context=context)
        if answer.status == 404:
            return None
        sku = str(said(answer)["sku"])
    path = f"/internal/v1/variants?sku={quote(sku, safe='')}"
    items = said(await peers.get("catalog", path, caller=caller, context=context))["items"]
    if not items:
        return None
    item = items[0]
    names = ("variant_id", "product_id", "sku", "name", "options", "price", "currency", "active")
    sales = adapter(tuple[catalog.Sale, ...]).validate_python(item.get("sales", ()))
    found = catalog.Variant(**{name: item[name] for name in names}, sales=sales)
    async with service.unit(context) as unit:
        unit.put(kept(found, ASKED))
    return Variant(
        found.variant_id, found.sku, found.name, found.options, found.price, found.active, sales=_periods(found)
    )


def said(answer: PeerAnswer) -> Any:
    """What the catalog answered; anything but a yes means that it cannot be used now."""
    if not answer.ok:
        raise Problem(UNAVAILABLE, "The catalog service gave no usable answer.", service="catalog")
    return answer.json()
