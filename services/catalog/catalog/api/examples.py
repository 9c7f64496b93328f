"""One kettle, as the documentation shows it."""

from typing import Any, Final

from pydantic import ConfigDict

PRODUCT_ID: Final = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"
VARIANT_ID: Final = "0198c0de-5f7e-7d11-9a37-0c2b4e6f8a90"
CATEGORY_ID: Final = "0198c0de-5f7e-7e22-8b48-1d3c5f7a9bae"
AT: Final = "2026-01-15T09:30:00Z"


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


VARIANT: Final[dict[str, Any]] = {
    "id": VARIANT_ID,
    "product_id": PRODUCT_ID,
    "sku": "KET-1",
    "options": {},
    "price": money("2499.00"),
    "sale_price": None,
    "active": True,
    "in_stock": True,
    "backorder": False,
}
CATEGORY: Final[dict[str, Any]] = {
    "id": CATEGORY_ID,
    "slug": "kettles",
    "name": "Kettles",
    "parent_id": None,
    "created_at": AT,
    "updated_at": AT,
}
PLACE: Final[dict[str, Any]] = {name: CATEGORY[name] for name in ("id", "slug", "name")}
PRODUCT: Final[dict[str, Any]] = {
    "id": PRODUCT_ID,
    "slug": "kettle",
    "name": "Kettle",
    "description": "Boils a litre in three minutes.",
    "brand": "Jiko",
    "status": "active",
    "featured": False,
    "categories": [PLACE],
    "price": money("2499.00"),
    "sale_price": None,
    "discount_percent": None,
    "in_stock": True,
    "rating": None,
    "review_count": 0,
    "images": [],
    "attributes": {"material": "steel"},
    "options": {},
    "variants": [VARIANT],
    "created_at": AT,
    "updated_at": AT,
}

DISCOUNT: Final[dict[str, Any]] = {
    "id": "0198c0de-5f7e-7f33-8c59-2e4d6a8b0cbf",
    "name": "Kitchen week",
    "percent": 15,
    "status": "scheduled",
    "starts_at": "2026-03-02T00:00:00Z",
    "ends_at": "2026-03-09T00:00:00Z",
    "product_ids": [],
    "category_ids": [CATEGORY_ID],
    "created_at": AT,
    "updated_at": AT,
}

IMPORT: Final[dict[str, Any]] = {
    "id": "0198c0de-5f7e-7a44-8d6a-3f5e7b9c1dd0",
    "status": "done",
    "atomic": False,
    "total": 1,
    "done": 1,
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "failed": 1,
    "rows": {
        "items": [
            {
                "row": 1,
                "status": "failed",
                "product_id": None,
                "errors": [{"pointer": "/price/amount", "detail": "must have at most 2 decimals"}],
            }
        ],
        "total": 1,
        "next": None,
        "previous": None,
    },
    "created_at": AT,
    "finished_at": AT,
}
CSV: Final = "sku,name,price,category_ids,attributes.material\r\nKET-1,Kettle,2499.00,kettles|gifts,steel\r\n"

REVIEW: Final[dict[str, Any]] = {
    "id": "0198c0de-5f7e-7b55-8e7b-4a6f8cad2ee1",
    "product_id": PRODUCT_ID,
    "rating": 5,
    "title": "Boils fast",
    "body": "Three minutes for a litre, as it says.",
    "author": "Wanjiru",
    "verified_purchase": True,
    "hidden": False,
    "created_at": AT,
    "updated_at": AT,
}

IMAGE: Final[dict[str, Any]] = {
    "id": "0198c0de-5f7e-7c66-8f8c-5b7a9dbe3ff2",
    "alt": "The kettle from the side",
    "position": 0,
    "variant_id": None,
    "width": 1600,
    "height": 1200,
    **{
        size: f"/api/v1/images/7d1e5b0c9f24a8f36b1c0d2e4a5968778c90ab12/{size}.webp"
        for size in ("thumbnail", "medium", "large")
    },
}


def example(value: dict[str, Any]) -> ConfigDict:
    """The configuration of a model that shows ``value``."""
    return ConfigDict(json_schema_extra={"examples": [value]})
