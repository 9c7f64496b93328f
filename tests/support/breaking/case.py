"""One request that is broken in one way."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Case:
    """One broken request. ``pointer`` is where its errors have to point; None where it is not for a field."""

    name: str
    statuses: tuple[int, ...]
    content: bytes | None = None
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    query: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    pointer: str | None = None
    chunked: bool = False
