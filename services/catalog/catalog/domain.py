"""The rules of the catalog: what a product may be, and what the world is told when one changes.

A write loads the product, makes the product it shall be, and publishes ``told(before, after)``: so an event is never
forgotten in one route, and never sent when nothing changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from chassis.decider import Refused
from soko_contracts import catalog as public

MOST_VARIANTS = 100
"""Variants of one product."""


class Status(StrEnum):
    """Only active products are shown and sold; archived is what DELETE makes of one."""

    draft = "draft"
    active = "active"
    archived = "archived"


@dataclass(frozen=True, slots=True)
class Sale:
    """From ``starts_at`` until before ``ends_at`` a product costs ``percent`` less."""

    starts_at: datetime
    ends_at: datetime
    percent: int


def sale_price(price: int, percent: int) -> int:
    """What ``price`` (minor units) is with so many percent off, rounded half up to a minor unit.

    The database's function of this name says the same.
    """
    return (price * (100 - percent) + 50) // 100


@dataclass(frozen=True, slots=True)
class Variant:
    """What is sold under one SKU. ``price`` is minor units, or null where the product's own holds.

    ``initial_stock`` is what the inventory is to receive once for this SKU.
    """

    id: str
    sku: str
    options: Mapping[str, str] = field(default_factory=dict)
    price: int | None = None
    active: bool = True
    initial_stock: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product and everything staff may change about it. ``price`` is minor units.

    ``sales`` come of discounts: periods that do not overlap, running or to come.
    """

    id: str
    slug: str
    name: str
    price: int
    category_ids: tuple[str, ...]
    variants: tuple[Variant, ...]
    description: str = ""
    brand: str | None = None
    status: Status = Status.active
    featured: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    sales: tuple[Sale, ...] = ()

    def percent_at(self, moment: datetime) -> int | None:
        """How many percent less it costs then; null when there is no sale."""
        return next((each.percent for each in self.sales if each.starts_at <= moment < each.ends_at), None)

    def price_of(self, variant: Variant) -> int:
        """What the variant costs, in minor units."""
        return self.price if variant.price is None else variant.price

    def variant(self, variant_id: str) -> Variant:
        """The variant with this id. Raises ``KeyError``."""
        return next(each for each in self.variants if each.id == variant_id)

    def with_variant(self, variant: Variant) -> "Product":
        """The product with this variant added, or put in the place of the one with its id."""
        if any(each.id == variant.id for each in self.variants):
            return replace(self, variants=tuple(variant if each.id == variant.id else each for each in self.variants))
        if len(self.variants) >= MOST_VARIANTS:
            raise Refused("too-many-variants", f"A product has {MOST_VARIANTS} variants at most.")
        return replace(self, variants=(*self.variants, variant))

    def without_variant(self, variant_id: str) -> "Product":
        """The product with that variant gone; the last one stays, since a product without any cannot be sold."""
        rest = tuple(each for each in self.variants if each.id != variant_id)
        if not rest:
            raise Refused("last-variant", "A product keeps at least one variant; archive the product instead.")
        return replace(self, variants=rest)


def wrong_options(variants: Sequence[Mapping[str, str]]) -> tuple[int, str] | None:
    """Which variant's options do not fit beside the others', and why; null when all do.

    All variants of a product are told apart by the same options: each has every one, and no two are the same.
    """
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for at, options in enumerate(variants):
        if set(options) != set(variants[0]):
            return at, f"must have the same options as the other variants: {_names(variants[0])}"
        same = tuple(sorted(options.items()))
        if same in seen:
            return at, "another variant has the same options" if options else "tells this variant from no other"
        seen[same] = at
    return None


def _names(options: Mapping[str, str]) -> str:
    return ", ".join(options) or "none"


def choices(variants: Sequence[Variant]) -> dict[str, list[str]]:
    """What a customer chooses from: each option with its values, in the variants' order."""
    found: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in variant.options.items():
            found.setdefault(name, {})[value] = None
    return {name: list(values) for name, values in found.items()}


def told(before: Product | None, after: Product, currency: str) -> list[Any]:
    """The public events that lead from ``before`` (null: there was none) to ``after``, in the order they are sent."""
    if before is None:
        stock = {each.sku: each.initial_stock for each in after.variants if each.initial_stock is not None}
        return [public.ProductCreated(**_product(after, currency), initial_stock=stock)]
    return [*_of_the_product(before, after, currency), *_of_its_variants(before, after, currency)]


def told_again(product: Product, currency: str) -> Any:
    """What is told of a product whose sales have changed without a write of its own."""
    return public.ProductUpdated(**_product(product, currency))


def _of_the_product(before: Product, after: Product, currency: str) -> Iterator[Any]:
    if replace(before, variants=()) == replace(after, variants=()):
        return
    archived = after.status is Status.archived and before.status is not Status.archived
    yield (public.ProductArchived if archived else public.ProductUpdated)(**_product(after, currency))


def _of_its_variants(before: Product, after: Product, currency: str) -> Iterator[Any]:
    old = {each.id: each for each in before.variants}
    new = {each.id for each in after.variants}
    for variant in before.variants:
        if variant.id not in new:
            yield public.VariantRemoved(**{**_variant(after, variant, currency), "active": False})
    for variant in after.variants:
        was, now = old.get(variant.id), _variant(after, variant, currency)
        if was is None:
            yield public.VariantCreated(**now, initial_stock=variant.initial_stock)
            continue
        if replace(was, price=None) != replace(variant, price=None):
            yield public.VariantUpdated(**now)
        if before.price_of(was) != after.price_of(variant):
            yield public.PriceChanged(**now, old_price=before.price_of(was))


def _product(product: Product, currency: str) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "slug": product.slug,
        "name": product.name,
        "description": product.description,
        "brand": product.brand,
        "status": product.status.value,
        "category_ids": product.category_ids,
        "price": product.price,
        "currency": currency,
        "attributes": dict(product.attributes),
        "featured": product.featured,
        "sales": _sales(product, product.price),
        "variants": tuple(public.Variant(**_variant(product, each, currency)) for each in product.variants),
    }


def _variant(product: Product, variant: Variant, currency: str) -> dict[str, Any]:
    return {
        "variant_id": variant.id,
        "product_id": product.id,
        "sku": variant.sku,
        "name": product.name,
        "options": dict(variant.options),
        "price": product.price_of(variant),
        "currency": currency,
        "active": variant.active and product.status is Status.active,
        "sales": _sales(product, product.price_of(variant)),
    }


def _sales(product: Product, price: int) -> tuple[public.Sale, ...]:
    return tuple(
        public.Sale(
            price=sale_price(price, each.percent),
            percent=each.percent,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
        )
        for each in product.sales
    )
