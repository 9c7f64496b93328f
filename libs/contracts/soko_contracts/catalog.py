"""What the catalog tells: the whole public state of a thing, so that a copy needs nothing else.

Prices are minor units of ``currency``.
"""

from dataclasses import dataclass, field

from soko_contracts.registry import event


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is sold: one SKU. ``price`` is what it costs now, the product's own unless the variant has one."""

    variant_id: str
    product_id: str
    sku: str
    name: str
    options: dict[str, str] = field(default_factory=dict)
    price: int
    currency: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product as the public may see it. ``active`` is false for drafts and archived ones."""

    product_id: str
    slug: str
    name: str
    description: str
    brand: str | None
    status: str
    category_ids: tuple[str, ...]
    price: int
    currency: str
    attributes: dict[str, str] = field(default_factory=dict)
    variants: tuple[Variant, ...]


@event("catalog.product_created.v1")
class ProductCreated(Product):
    """``initial_stock``: units of each new SKU to receive once, whichever message or request brings it first."""

    initial_stock: dict[str, int] = field(default_factory=dict)


@event("catalog.product_updated.v1")
class ProductUpdated(Product):
    """Something of the product itself changed."""


@event("catalog.product_archived.v1")
class ProductArchived(Product):
    """The product is no longer sold."""


@event("catalog.variant_created.v1")
class VariantCreated(Variant):
    """A variant was added to a product. ``initial_stock`` as in product_created."""

    initial_stock: int | None = None


@event("catalog.variant_updated.v1")
class VariantUpdated(Variant):
    """Something of the variant other than its price changed."""


@event("catalog.variant_removed.v1")
class VariantRemoved(Variant):
    """The variant is no longer sold."""


@event("catalog.price_changed.v1")
class PriceChanged(Variant):
    """The variant costs ``price`` from now on; it was ``old_price``."""

    old_price: int


@dataclass(frozen=True, kw_only=True)
class Category:
    """A place in the tree; ``parent_id`` is null at the top."""

    category_id: str
    parent_id: str | None
    slug: str
    name: str


@event("catalog.category_created.v1")
class CategoryCreated(Category):
    """A category was added."""


@event("catalog.category_updated.v1")
class CategoryUpdated(Category):
    """A category was renamed or moved."""


@event("catalog.category_deleted.v1")
class CategoryDeleted(Category):
    """A category is gone."""
