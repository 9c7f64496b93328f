"""Cells of CSV and what they mean: what goes out as a cell comes back the same."""

import json
from collections.abc import Mapping
from typing import Any, Final

from chassis.http import Money

from catalog.domain import Product, Variant
from catalog.views import Shown

COLUMNS: Final = (
    *("product", "sku", "name", "description", "brand", "status", "featured", "category_ids"),
    *("price", "attributes", "options", "variant_price", "variant_active"),
)
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula: such a cell goes out behind an apostrophe."""
BETWEEN: Final = "|"
"""Categories in one cell."""
PRICES: Final = frozenset({"price", "variant_price"})
SETS: Final = frozenset({"attributes", "options"})
WORDS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
YES_OR_NO: Final = frozenset({"featured", "variant_active"})
MAY_BE_EMPTY: Final = frozenset({"description", "brand", "category_ids", "attributes", "options", "variant_price"})


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    return f"'{text}" if text.startswith((*FORMULAS, "'")) else text


def meant(cell: str) -> str:
    """The text of such a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULAS, "'")) else cell


def cells(shown: Shown, variant: Variant, currency: str) -> list[str]:
    """One variant with its product, under ``COLUMNS``."""
    product: Product = shown.product

    def amount(minor: int) -> str:
        return Money.of(minor, currency).amount

    values = (
        product.slug,
        variant.sku,
        product.name,
        product.description,
        product.brand or "",
        product.status.value,
        str(product.featured).lower(),
        BETWEEN.join(place.slug for place in shown.categories),
        amount(product.price),
        json.dumps(dict(product.attributes), ensure_ascii=False),
        json.dumps(dict(variant.options), ensure_ascii=False),
        "" if variant.price is None else amount(variant.price),
        str(variant.active).lower(),
    )
    return [harmless(each) for each in values]


def understood(row: Mapping[str, str], currency: str) -> dict[str, Any]:
    """What a line of cells says as JSON. An empty cell says nothing, but for columns that may be empty."""
    found: dict[str, Any] = {}
    for name, cell in row.items():
        text = meant(cell)
        whole, _, part = name.partition(".")
        if whole in SETS and part:
            if text:
                found.setdefault(whole, {})[part] = text
        elif text or name in MAY_BE_EMPTY:
            found[name] = _value(name, text, currency)
    return found


def _value(name: str, text: str, currency: str) -> Any:
    """As JSON where it can be told, else the text itself: then the row is refused, with the field's name."""
    if name in PRICES:
        return {"amount": text, "currency": currency} if text else None
    if name in YES_OR_NO:
        return WORDS.get(text.lower(), text)
    if name == "initial_stock":
        return int(text) if text.isdecimal() and len(text) < 10 else text
    if name == "category_ids":
        return [part.strip() for part in text.split(BETWEEN) if part.strip()]
    if name in SETS:
        try:
            return json.loads(text) if text else {}
        except ValueError:
            return text
    return None if name == "brand" and not text else text
