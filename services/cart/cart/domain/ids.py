"""Ids that nobody has to agree on, because everybody makes the same."""

from hashlib import sha256
from uuid import UUID

NO_TIME = str(UUID(int=0))


def derived(base: str, purpose: str) -> str:
    """The id that everyone who knows ``base``, a UUID, makes for ``purpose``: a UUIDv7 with the time of ``base``."""
    random = int.from_bytes(sha256(f"{base} {purpose}".encode()).digest()[:10])
    time = UUID(base).int >> 80
    return str(UUID(int=time << 80 | 7 << 76 | (random >> 68) << 64 | 2 << 62 | random & (1 << 62) - 1))


def following(previous: str) -> str:
    """The id of the cart that comes after the cart ``previous``; a customer's first one follows their own id.

    Everybody who opens an owner's next cart, whether for an add, for what an order left behind, for a merge or for a
    put-back, so writes to the same stream, and its version check lets one be the first. No owner can have two open
    carts, and there is no other place where that has to be guarded.
    """
    return derived(previous, "next cart")


def coupon_id_of(code: str) -> str:
    """The id of the coupon with this code: whoever knows the one knows the other, and a code names one coupon ever."""
    return derived(NO_TIME, f"coupon {code}")
