"""What everyone gets to see."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from chassis.http import Answer, Listing, Money
from sqlalchemy import Row

from catalog.api.examples import CATEGORY, DISCOUNT, IMAGE, IMPORT, PLACE, PRODUCT, REVIEW, VARIANT, example, money
from catalog.bulk.applying import Result, State
from catalog.bulk.imports import Progress
from catalog.discounts import Kept
from catalog.domain import Status, Variant, choices, sale_price
from catalog.pictures import SIZES
from catalog.views import Shown


class CategoryAnswer(Answer):
    """A place in the tree; ``parent_id`` is null at the top."""

    model_config = example(CATEGORY)

    id: str
    slug: str
    name: str
    parent_id: str | None
    created_at: datetime
    updated_at: datetime


class CategoryNode(Answer):
    """A category with all below it."""

    id: str
    slug: str
    name: str
    children: list["CategoryNode"]


class CategoryTree(Answer):
    """The categories at the top, each with all below it."""

    model_config = example({"items": [{**PLACE, "children": []}]})

    items: list[CategoryNode]


class AveragePrice(Answer):
    """The active products of a category and all below; the prices are null where there are none."""

    model_config = example(
        {"average": money("2499.00"), "lowest": money("1200.00"), "highest": money("6500.00"), "product_count": 24}
    )

    average: Money | None
    lowest: Money | None
    highest: Money | None
    product_count: int


class CategoryPlace(Answer):
    """A category that a product stands in."""

    id: str
    slug: str
    name: str


class VariantAnswer(Answer):
    """What is sold under one SKU. ``price`` is what it costs, its own or the product's.

    ``in_stock``: it can be bought. ``backorder``: though there is none of it now; it comes later.
    """

    model_config = example(VARIANT)

    id: str
    product_id: str
    sku: str
    options: dict[str, str]
    price: Money
    sale_price: Money | None = None
    active: bool
    in_stock: bool
    backorder: bool


class Image(Answer):
    """A picture in three sizes, each at its URL; ``width`` and ``height`` are those of the large one.

    ``position`` is its place among its product's pictures, from 0 without gaps.
    """

    model_config = example(IMAGE)

    id: str
    alt: str
    position: int
    variant_id: str | None
    width: int
    height: int
    thumbnail: str
    medium: str
    large: str


def image_answer(image: Any) -> Image:
    """A picture from its row, or from what a product shows of it."""
    names = ("id", "alt", "position", "variant_id", "width", "height")
    files = {size: f"/api/v1/images/{image.file}/{size}.webp" for size in SIZES}
    return Image(**{name: getattr(image, name) for name in names}, **files)


class ProductAnswer(Answer):
    """A product with its variants. ``options`` are what a customer chooses from, each with its values.

    ``sale_price`` is what it costs now, ``discount_percent`` less than ``price``, rounded half up to the currency's
    last digit; both are null when there is no sale.
    """

    model_config = example(PRODUCT)

    id: str
    slug: str
    name: str
    description: str
    brand: str | None
    status: Status
    featured: bool
    categories: list[CategoryPlace]
    price: Money
    sale_price: Money | None = None
    discount_percent: int | None = None
    in_stock: bool
    rating: float | None = None
    review_count: int = 0
    images: tuple[Image, ...] = ()
    attributes: dict[str, str]
    options: dict[str, list[str]]
    variants: list[VariantAnswer]
    created_at: datetime
    updated_at: datetime


class DiscountAnswer(Answer):
    """So many percent off the products, and off all in the categories and below."""

    model_config = example(DISCOUNT)

    id: str
    name: str
    percent: int
    status: Literal["scheduled", "running", "ended"]
    starts_at: datetime
    ends_at: datetime
    product_ids: list[str]
    category_ids: list[str]
    created_at: datetime
    updated_at: datetime


def discount_answer(kept: Kept, now: datetime) -> DiscountAnswer:
    """A discount as staff see it."""
    discount = kept.discount
    status: Literal["scheduled", "running", "ended"] = "running"
    if now < discount.starts_at:
        status = "scheduled"
    elif now >= discount.ends_at:
        status = "ended"
    return DiscountAnswer(
        id=discount.id,
        name=discount.name,
        percent=discount.percent,
        status=status,
        starts_at=discount.starts_at,
        ends_at=discount.ends_at,
        product_ids=list(discount.product_ids),
        category_ids=list(discount.category_ids),
        created_at=kept.created_at,
        updated_at=kept.updated_at,
    )


class ReviewAnswer(Answer):
    """A customer's opinion of a product. ``verified_purchase``: they had bought it when they said so."""

    model_config = example(REVIEW)

    id: str
    product_id: str
    rating: int
    title: str
    body: str
    author: str | None
    verified_purchase: bool
    hidden: bool
    created_at: datetime
    updated_at: datetime


def review_answer(review: Row[Any]) -> ReviewAnswer:
    """A review, without whose it is."""
    return ReviewAnswer.model_validate(review)


class RowError(Answer):
    """``pointer`` into the row: the column's name, in CSV."""

    pointer: str
    detail: str


class RowAnswer(Answer):
    """What has become of a row; rows count from 1. ``skipped``: another row of an atomic import failed."""

    row: int
    status: State
    product_id: str | None
    errors: list[RowError]


class ImportAnswer(Answer):
    """Rows on their way into the catalog. ``done`` of ``total`` are worked off; ``rows`` is one page of them."""

    model_config = example(IMPORT)

    id: str
    status: Literal["waiting", "running", "done", "failed"]
    atomic: bool
    total: int
    done: int
    created: int
    updated: int
    unchanged: int
    failed: int
    rows: Listing[RowAnswer]
    created_at: datetime
    finished_at: datetime | None


def row_answers(rows: Sequence[tuple[int, Result]]) -> list[RowAnswer]:
    """What has become of these rows."""
    return [
        RowAnswer(
            row=number,
            status=each.state,
            product_id=each.product_id,
            errors=[RowError(pointer=pointer, detail=detail) for pointer, detail in each.errors],
        )
        for number, each in rows
    ]


def import_answer(found: Progress, rows: Listing[RowAnswer]) -> ImportAnswer:
    """An import with one page of its rows."""
    counts = found.counts
    return ImportAnswer.model_construct(
        id=found.id,
        status=found.status,
        atomic=found.atomic,
        total=found.total,
        done=found.total - counts.get("waiting", 0),
        created=counts.get("created", 0),
        updated=counts.get("updated", 0),
        unchanged=counts.get("unchanged", 0),
        failed=counts.get("failed", 0),
        rows=rows,
        created_at=found.created_at,
        finished_at=found.finished_at,
    )


def product_answer(shown: Shown, currency: str, now: datetime, *, all_variants: bool = False) -> ProductAnswer:
    """A product as the public sees it: variants that are off sale only with ``all_variants``, for staff."""
    product, percent = shown.product, shown.product.percent_at(now)
    variants = tuple(each for each in product.variants if all_variants or each.active)
    return ProductAnswer(
        id=product.id,
        slug=product.slug,
        name=product.name,
        description=product.description,
        brand=product.brand,
        status=product.status,
        featured=product.featured,
        categories=[CategoryPlace(id=each.id, slug=each.slug, name=each.name) for each in shown.categories],
        price=Money.of(product.price, currency),
        sale_price=_on_sale(product.price, percent, currency),
        discount_percent=percent,
        images=tuple(image_answer(each) for each in shown.images),
        rating=shown.rating,
        review_count=shown.review_count,
        in_stock=any(shown.in_stock(each) for each in variants),
        attributes=dict(product.attributes),
        options=choices(variants),
        variants=[variant_answer(shown, each, currency, now) for each in variants],
        created_at=shown.created_at,
        updated_at=shown.updated_at,
    )


def variant_answer(shown: Shown, variant: Variant, currency: str, now: datetime) -> VariantAnswer:
    """One variant of a product."""
    price = shown.product.price_of(variant)
    return VariantAnswer(
        id=variant.id,
        product_id=shown.product.id,
        sku=variant.sku,
        options=dict(variant.options),
        price=Money.of(price, currency),
        sale_price=_on_sale(price, shown.product.percent_at(now), currency),
        active=variant.active,
        in_stock=shown.in_stock(variant),
        backorder=shown.backorder(variant),
    )


def _on_sale(price: int, percent: int | None, currency: str) -> Money | None:
    return None if percent is None else Money.of(sale_price(price, percent), currency)
