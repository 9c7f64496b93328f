"""What the catalog tells: the whole public state of a thing, so that a copy needs nothing else.

Prices are minor units of ``currency``.
"""

from dataclasses import dataclass, field
from datetime import datetime

from soko_contracts.registry import event


@dataclass(frozen=True, kw_only=True)
class Sale:
    """From ``starts_at`` until before ``ends_at`` it costs ``price``, ``percent`` less than its own. None overlap."""

    price: int
    percent: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is sold: one SKU. ``price`` is what it costs, the product's own unless the variant has one.

    ``sales`` are the periods, running or to come, in which it costs less.
    """

    variant_id: str
    product_id: str
    sku: str
    name: str
    options: dict[str, str] = field(default_factory=dict)
    price: int
    currency: str
    active: bool
    sales: tuple[Sale, ...] = ()

    def price_at(self, moment: datetime) -> int:
        """What it costs then."""
        return next((sale.price for sale in self.sales if sale.starts_at <= moment < sale.ends_at), self.price)


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
    featured: bool = False
    sales: tuple[Sale, ...] = ()


@event("catalog.product_created.v1")
class ProductCreated(Product):
    """``initial_stock``: units of each new SKU to receive once, whichever message or request brings it first."""

    initial_stock: dict[str, int] = field(default_factory=dict)


@event("catalog.product_updated.v1")
class ProductUpdated(Product):
    """Something of the product itself changed, or the sales it is in."""


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


@dataclass(frozen=True, kw_only=True)
class Discount:
    """So many percent off these products, and off all in these categories and below; the highest discount counts."""

    discount_id: str
    name: str
    percent: int
    starts_at: datetime
    ends_at: datetime
    product_ids: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()


@event("catalog.discount_started.v1")
class DiscountStarted(Discount):
    """The sale is on. Told again when it is changed while it is on."""


@event("catalog.discount_ended.v1")
class DiscountEnded(Discount):
    """The sale is over: its time has come, or it was taken back."""


@event("catalog.review_posted.v1")
class ReviewPosted:
    """A customer's opinion of a product, from 1 to 5, and what all the product's reviews come to.

    Told again when it is changed, hidden or shown by staff, or deleted: ``status`` is posted, changed, hidden, shown or
    deleted. ``rating_total`` is the sum of what ``review_count`` customers gave.
    """

    review_id: str
    product_id: str
    status: str
    rating: int
    verified_purchase: bool
    rating_total: int
    review_count: int
    posted_at: datetime
