"""What staff send."""

from typing import Annotated, Any, ClassVar, Literal

from chassis.http import Body, Moment, Money
from pydantic import Field, GetJsonSchemaHandler, StrictBool, StringConstraints, ValidationInfo, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from catalog.api.examples import example, money
from catalog.domain import MOST_VARIANTS, Status

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
LINES = r"^[^\x00]*$"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]
Brand = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=ONE_LINE)]
Description = Annotated[str, StringConstraints(max_length=20_000, pattern=LINES)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=ONE_LINE)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=ONE_LINE)]
Value = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]
Options = Annotated[dict[Label, Value], Field(max_length=5)]
Attributes = Annotated[dict[Label, Value], Field(max_length=50)]
Units = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
CategoryKeys = Annotated[list[Key], Field(max_length=20)]


class Patch(Body):
    """Fields left out stay as they are; null is a value, and only for the fields that may be empty."""

    may_be_null: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        for name, told in handler.resolve_ref_schema(schema)["properties"].items():
            if name not in cls.may_be_null and "anyOf" in told:
                (kind,) = (each for each in told.pop("anyOf") if each != {"type": "null"})
                told.update(kind)
        return schema

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in cls.may_be_null:
            raise ValueError("must not be null")
        return value

    def given(self) -> dict[str, Any]:
        """The fields that were sent, not deeper."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class CategoryBody(Body):
    """A new category, or one as it shall be. ``parent_id`` (id or slug) is null at the top."""

    model_config = example({"name": "Kettles", "parent_id": "kitchen"})

    name: Name
    parent_id: Key | None = None


class CategoryPatch(Patch):
    """What shall change of a category."""

    model_config = example({"parent_id": "kitchen"})
    may_be_null = frozenset({"parent_id"})

    name: Name | None = None
    parent_id: Key | None = None


class VariantNew(Body):
    """A SKU to be sold. Without a price of its own it costs what the product costs."""

    model_config = example({"sku": "TEE-L", "options": {"size": "L"}, "price": money("1200.00"), "initial_stock": 20})

    sku: Sku
    options: Options = Field(default_factory=dict)
    price: Money | None = None
    active: StrictBool = True
    initial_stock: Units | None = None


class VariantPatch(Patch):
    """What shall change of a variant. The SKU never does: stock, carts and orders know the variant by it."""

    model_config = example({"price": money("1100.00")})
    may_be_null = frozenset({"price"})

    options: Options | None = None
    price: Money | None = None
    active: StrictBool | None = None


class ProductBody(Body):
    """A product as it shall be. Categories by id or slug: ``category_ids``, or ``category_id`` for one."""

    model_config = example(
        {
            "name": "Kettle",
            "category_id": "kettles",
            "price": money("2499.00"),
            "description": "Boils.",
            "brand": "Jiko",
        }
    )

    name: Name
    description: Description = ""
    brand: Brand | None = None
    category_id: Key | None = None
    category_ids: CategoryKeys | None = None
    price: Money
    status: Status = Status.active
    featured: StrictBool = False
    attributes: Attributes = Field(default_factory=dict)


class ProductNew(ProductBody):
    """A new product: with a ``sku`` it has one variant, else as many as ``variants`` lists."""

    model_config = example(
        {"name": "Kettle", "category_id": "kettles", "price": money("2499.00"), "sku": "KET-1", "initial_stock": 20}
    )

    status: Literal[Status.draft, Status.active] = Status.active
    sku: Sku | None = None
    options: Options = Field(default_factory=dict)
    initial_stock: Units | None = None
    variants: Annotated[list[VariantNew], Field(min_length=1, max_length=MOST_VARIANTS)] | None = None


class ProductPatch(Patch):
    """What shall change of a product."""

    model_config = example({"price": money("2299.00"), "featured": True})
    may_be_null = frozenset({"brand"})

    name: Name | None = None
    description: Description | None = None
    brand: Brand | None = None
    category_id: Key | None = None
    category_ids: CategoryKeys | None = None
    price: Money | None = None
    status: Status | None = None
    featured: StrictBool | None = None
    attributes: Attributes | None = None


Targets = Annotated[list[Key], Field(max_length=1000)]
Percent = Annotated[int, Field(ge=1, le=99, strict=True)]


class DiscountNew(Body):
    """A sale of products and categories, by id or slug. It starts now unless ``starts_at`` says otherwise."""

    model_config = example(
        {
            "name": "Kitchen week",
            "percent": 15,
            "starts_at": "2026-03-02T00:00:00Z",
            "ends_at": "2026-03-09T00:00:00Z",
            "category_ids": ["kitchen"],
        }
    )

    name: Name
    percent: Percent
    starts_at: Moment | None = None
    ends_at: Moment
    product_ids: Targets = Field(default_factory=list)
    category_ids: Targets = Field(default_factory=list)


class DiscountPatch(Patch):
    """What shall change of a discount."""

    model_config = example({"percent": 20})

    name: Name | None = None
    percent: Percent | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    product_ids: Targets | None = None
    category_ids: Targets | None = None


class BulkRow(Patch):
    """One SKU with its product. A SKU that is there is changed by the fields that are sent.

    A new one joins the ``product`` (id or slug) that the row names; where there is no such product, or none is named,
    it makes a new product, which needs ``name`` and ``price``. ``variant_price`` null: it costs what the product costs.
    """

    model_config = example(
        {"sku": "KET-1", "name": "Kettle", "price": money("2499.00"), "category_ids": ["kettles"], "initial_stock": 20}
    )
    may_be_null = frozenset({"brand", "variant_price"})

    sku: Sku
    product: Key | None = None
    name: Name | None = None
    description: Description | None = None
    brand: Brand | None = None
    category_ids: CategoryKeys | None = None
    price: Money | None = None
    status: Status | None = None
    featured: StrictBool | None = None
    attributes: Attributes | None = None
    options: Options | None = None
    variant_price: Money | None = None
    variant_active: StrictBool | None = None
    initial_stock: Units | None = None


Rating = Annotated[int, Field(ge=1, le=5, strict=True)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=ONE_LINE)]
Opinion = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000, pattern=LINES)]
Author = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=ONE_LINE)]


class ReviewNew(Body):
    """What a customer thinks, from 1 to 5. ``author`` is the name that others see, if any."""

    model_config = example({"rating": 5, "title": "Boils fast", "body": "As it says.", "author": "Wanjiru"})

    rating: Rating
    title: Title = ""
    body: Opinion = ""
    author: Author | None = None


class ReviewPatch(Patch):
    """What shall change of a review: by the customer, but for ``hidden``, which is for staff."""

    model_config = example({"rating": 4})
    may_be_null = frozenset({"author"})

    rating: Rating | None = None
    title: Title | None = None
    body: Opinion | None = None
    author: Author | None = None
    hidden: StrictBool | None = None


class ImagePatch(Patch):
    """What is said of a picture. ``variant_id``: it shows this variant of its product."""

    model_config = example({"alt": "The kettle from the side", "position": 0})
    may_be_null = frozenset({"variant_id"})

    alt: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)] | None = None
    position: Annotated[int, Field(ge=0, le=1000, strict=True)] | None = None
    variant_id: Key | None = None
