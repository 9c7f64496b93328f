"""Which service answers which path. What is not here is 404; ``/internal`` is not here."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
BODY: Final = MIB
IMAGE: Final = 8 * MIB
BULK: Final = 32 * MIB

OPERATORS: Final = "operators"
"""The gateway's own app that asks all services."""

BY_NOUN: Final = {
    **dict.fromkeys(("auth", "users", "roles", "rights", "clients", "audit"), "identity"),
    **dict.fromkeys(
        ("categories", "products", "variants", "images", "reviews", "discounts", "imports"),
        "catalog",
    ),
    **dict.fromkeys(("cart", "carts", "coupons"), "cart"),
    **dict.fromkeys(
        ("orders", "shipments", "returns", "refunds", "shipping-methods", "shipping-zones", "tax-rates"), "order"
    ),
    "payments": "payment",
    "inventory": "inventory",
    **dict.fromkeys(("notifications", "events", "event-types", "webhooks"), "notification"),
    "ops": OPERATORS,
}
"""The first part after ``/api/v1``."""

BY_PATH: Final = {
    ("cart", "quote"): "order",
    ("users", "me", "orders"): "order",
}
"""Where a service other than the noun's answers."""

CARDSIM: Final = "cardsim"


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a request goes.

    ``checked``: the gateway refuses a bearer that is not good; elsewhere the service reads the header for itself.
    ``guarded``: attempts are counted more strictly. ``strip`` is what the service's own paths lack in front.
    """

    service: str
    checked: bool = True
    guarded: bool = False
    body: int = BODY
    strip: str = ""


IDENTITY: Final = Routed("identity", checked=False)
GUARDED: Final = Routed("identity", checked=False, guarded=True)
CARD_PAGES: Final = Routed(CARDSIM, checked=False, strip=f"/{CARDSIM}")
BULK_PRODUCTS: Final = Routed("catalog", body=BULK)
IMAGES: Final = Routed("catalog", body=IMAGE)
PROVIDERS: Final = Routed("payment", checked=False)
WITHOUT_LOGIN: Final = Routed("notification", checked=False)
PLAIN: Final = {service: Routed(service) for service in {*BY_NOUN.values(), *BY_PATH.values()}}


def routed(path: str) -> Routed | None:
    """Where ``path`` (without a trailing slash) is answered."""
    parts = path.split("/")
    if len(parts) < 2:
        # OPTIONS * asks of no path at all.
        return None
    if len(parts) > 3 and parts[1] == "api" and parts[2] == "v1":
        return _in_api(parts[3:])
    match parts[1]:
        case ".well-known":
            return IDENTITY
        case "oauth2":
            return GUARDED if parts[2:] in (["token"], ["authorize"]) else IDENTITY
        case "cardsim" if len(parts) > 2:
            return CARD_PAGES
    return None


def _in_api(parts: list[str]) -> Routed | None:
    noun = parts[0]
    if noun == "auth":
        return GUARDED
    if len(parts) > 1:
        if other := BY_PATH.get((noun, parts[1])) or BY_PATH.get(tuple(parts[:3])):
            return PLAIN[other]
        if noun == "products":
            if parts[1] == "bulk":
                return BULK_PRODUCTS
            if parts[-1] == "images":
                return IMAGES
        if noun == "payments" and parts[1] == "webhooks":
            return PROVIDERS
        if noun == "notifications" and parts[1] in ("unsubscribe", "reports"):
            return WITHOUT_LOGIN
    # /orders.csv is of the orders
    service = BY_NOUN.get(noun) or BY_NOUN.get(noun.partition(".")[0])
    return PLAIN[service] if service else None
