"""Who may do what: the one table, used by every service.

A token's scope lists rights; a route asks for one right. The presets are the roles that every shop has; its
administrators define more, from the rights.
"""

from typing import Final, Literal, get_args

RIGHTS: Final[dict[str, str]] = {
    "catalog:write": "change categories, products, prices",
    "carts:read": "see the carts of all customers",
    "coupons:write": "see, make, change and withdraw coupons",
    "orders:read": "see all orders, without addresses",
    "orders:personal": "see the addresses and contacts on orders",
    "orders:fulfil": "ship, deliver and cancel orders of all customers",
    "inventory:read": "see stock and its movements",
    "inventory:write": "change stock",
    "payments:read": "see all payments",
    "payments:write": "capture, void, mark paid, refund",
    "notifications:read": "see what was sent to all customers",
    "notifications:write": "send messages about orders once more",
    "users:read": "see all accounts",
    "users:write": "create accounts and roles, give roles, deactivate",
    "audit:read": "see security events: logins, roles, closed accounts",
    "events:read": "read the public feed",
    "ops:read": "see why an order is where it is",
    "ops:write": "replay and drop parked messages, run jobs",
    "clients:write": "see, make and delete the applications that log people in here or act by themselves",
}

PRESETS: Final[dict[str, frozenset[str]]] = {
    "customer": frozenset(),
    "staff": frozenset(RIGHTS) - {"users:write", "audit:read", "ops:write", "clients:write"},
    "admin": frozenset(RIGHTS),
}

ACCOUNT: Final = "account"
"""Not a right, a scope: the client that a person gave it to may shop as them. Without it, it is only itself."""

Lent = Literal[
    "catalog:write",
    "orders:read",
    "orders:personal",
    "orders:fulfil",
    "inventory:write",
    "payments:read",
    "events:read",
]
LENT: Final[tuple[Lent, ...]] = get_args(Lent)
"""The rights that a client may have, its own or lent by a person who has them."""
