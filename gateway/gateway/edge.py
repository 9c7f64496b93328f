"""What browsers and strangers are told: security headers, CORS, and which hosts this is."""

from functools import cached_property
from typing import Final

from chassis.http import MALFORMED, Problem

from gateway.settings import Settings

Headers = list[tuple[bytes, bytes]]

EXPOSED: Final = (
    b"ETag, Location, Retry-After, RateLimit, Idempotency-Replayed, X-Request-ID, X-Cart-Token, Server-Timing, Link"
)
TAKEN: Final = (
    b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Cart-Token, X-CSRF-Token, "
    b"X-Request-ID, traceparent"
)
METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"

DATA_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY: Final = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; "
    b"object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class Edge:
    """Made once from the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._origins = {origin.encode() for origin in settings.origins}
        self._hosts: dict[bytes, bool] = {}

    @cached_property
    def security(self) -> Headers:
        """On every answer."""
        headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
        ]
        if self._settings.https:
            headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
        return headers

    def check_host(self, host: bytes | None) -> None:
        """400 where the request is for a name that is not ours."""
        if not self._settings.hosts:
            return
        known = self._hosts.get(host or b"")
        if known is None:
            known = self._ours(host or b"")
            if len(self._hosts) < 1000:
                self._hosts[host or b""] = known
        if not known:
            raise Problem(MALFORMED, "The Host header names no host of this shop.")

    def _ours(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        name = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
        return any(
            each in ("*", name) or (each.startswith("*.") and name.endswith(each[1:])) for each in self._settings.hosts
        )

    def cors(self, origin: bytes | None) -> Headers:
        """What an answer tells the page that asked."""
        if not self._origins:
            return []
        if b"*" in self._origins:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
        if origin not in self._origins:
            return [(b"vary", b"Origin")]
        return [
            (b"vary", b"Origin"),
            (b"access-control-allow-origin", origin or b""),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", EXPOSED),
        ]

    @property
    def preflight(self) -> Headers:
        """What a page may send; the origin stands in ``cors``."""
        return [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", TAKEN),
            (b"access-control-max-age", b"600"),
        ]
