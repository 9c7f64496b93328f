"""From rows to products: what a batch of rows makes of the products it names, in memory, without a query a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from chassis.decider import Refused
from chassis.http import Problem, invalid
from chassis.http.errors import from_validation
from chassis.http.problems import pointer
from pydantic import ValidationError

from catalog.api.bodies import BulkRow
from catalog.domain import Product, Status, Variant, wrong_options
from catalog.views import Shown

Errors = Sequence[tuple[str, str]]
"""Pointers into the row, and the rules that are broken there."""


class State(StrEnum):
    """What has become of a row. ``skipped``: another row of an atomic import failed."""

    waiting = "waiting"
    created = "created"
    updated = "updated"
    unchanged = "unchanged"
    failed = "failed"
    skipped = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """Of one row."""

    state: State
    product_id: str | None = None
    errors: Errors = ()


@dataclass(slots=True)
class Batch:
    """The products that a batch of rows is about: as they were, and as the rows so far would have them.

    ``keys`` finds them by SKU (``sku:…``) and by id or slug (``product:…``), ``categories`` the ids of categories.
    """

    ids: Callable[[], str]
    currency: str
    categories: Mapping[str, str]
    before: dict[str, Shown] = field(default_factory=dict)
    after: dict[str, Product] = field(default_factory=dict)
    slugs: dict[str, str] = field(default_factory=dict)
    """The slug that each new or renamed product asks for."""
    keys: dict[str, str] = field(default_factory=dict)

    def know(self, shown: Shown, *more: str) -> None:
        """A product that is there; ``more`` are former slugs that rows name it by."""
        product = shown.product
        self.before[product.id] = shown
        self.after[product.id] = product
        for key in (product.id, product.slug, *more):
            self.keys[f"product:{key}"] = product.id
        for variant in product.variants:
            self.keys[f"sku:{variant.sku}"] = product.id

    def apply(self, data: Mapping[str, Any]) -> Result:
        """Have one row take effect, or say why it cannot."""
        try:
            row = BulkRow.model_validate(data)
            return self._apply(row)
        except ValidationError as no:
            return Result(State.failed, errors=from_validation(no.errors()).errors)  # type: ignore[arg-type]
        except Problem as no:
            return Result(State.failed, errors=no.errors)
        except Refused as no:
            return Result(State.failed, errors=[("", no.detail)])

    def _apply(self, row: BulkRow) -> Result:
        by_sku, by_key = self.keys.get(f"sku:{row.sku}"), row.product and self.keys.get(f"product:{row.product}")
        if by_sku is not None and by_key and by_key != by_sku:
            raise invalid("/product", "is not the product of this SKU")
        id_ = by_sku or by_key
        if id_ is None:
            return self._create(row)
        was = self.after[id_]
        after = self._changed(was, row)
        if by_sku is None:
            after = after.with_variant(self._variant(row))
        else:
            mine = next(each for each in after.variants if each.sku == row.sku)
            after = after.with_variant(replace(mine, **self._of_variant(row)))
        self._check(after)
        if after == was:
            return Result(State.unchanged, id_)
        if after.name != was.name:
            self.slugs[id_] = after.name
        self.after[id_] = after
        self.keys[f"sku:{row.sku}"] = id_
        return Result(State.created if by_sku is None else State.updated, id_)

    def _create(self, row: BulkRow) -> Result:
        missing = [
            (f"/{name}", "is required for a new SKU") for name in ("name", "price") if getattr(row, name) is None
        ]
        if missing:
            return Result(State.failed, errors=missing)
        blank = Product(self.ids(), "", "", 0, (), (self._variant(row),))
        product = self._changed(blank, row)
        if product.status is Status.archived:
            raise invalid("/status", "must be draft or active for a new product")
        self.after[product.id] = product
        self.slugs[product.id] = row.product or product.name
        self.keys[f"sku:{row.sku}"] = product.id
        if row.product:
            self.keys[f"product:{row.product}"] = product.id
        return Result(State.created, product.id)

    def _changed(self, product: Product, row: BulkRow) -> Product:
        given = {name: getattr(row, name) for name in row.model_fields_set if name in FIELDS}
        if row.price is not None:
            given["price"] = row.price.minor(self.currency, "/price")
        if row.category_ids is not None:
            given["category_ids"] = self._categories(row.category_ids)
        return replace(product, **given)

    def _categories(self, keys: Sequence[str]) -> tuple[str, ...]:
        for at, key in enumerate(keys):
            if key not in self.categories:
                raise invalid(pointer("category_ids", at), "is not a category")
        return tuple(dict.fromkeys(self.categories[key] for key in keys))

    def _variant(self, row: BulkRow) -> Variant:
        return replace(Variant(self.ids(), row.sku, initial_stock=row.initial_stock), **self._of_variant(row))

    def _of_variant(self, row: BulkRow) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if row.options is not None:
            given["options"] = row.options
        if row.variant_active is not None:
            given["active"] = row.variant_active
        if "variant_price" in row.model_fields_set:
            price = row.variant_price
            given["price"] = None if price is None else price.minor(self.currency, "/variant_price")
        return given

    def _check(self, product: Product) -> None:
        if wrong := wrong_options([each.options for each in product.variants]):
            raise invalid("/options", wrong[1])


FIELDS = ("name", "description", "brand", "status", "featured", "attributes")
