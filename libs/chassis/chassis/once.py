"""One idempotency key, one effect: what the effect's transaction keeps of a request."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Once:
    """A request that must take effect once.

    ``caller`` (``user:…``, ``cart:…``), ``route`` (method and path) and ``key`` together are unique; ``body_hash`` is
    a keyed hash of the body, in hex. ``resource_id`` is what a replay answers with.
    """

    caller: str
    route: str
    key: str
    body_hash: str
    resource_id: str | None = None

    def for_(self, resource_id: str) -> "Once":
        """The same, with the resource that this effect makes or changes."""
        return replace(self, resource_id=resource_id)
