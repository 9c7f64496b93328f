"""A decider with what the chassis needs to store it: names for its events, its view, its snapshots."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from chassis.codec import Codec, Upcaster
from chassis.decider import Decider
from chassis.rows import Meta, Put, Remove

View = Callable[[Any, Any, Meta], Iterable[Put | Remove]]


@dataclass(frozen=True)
class Aggregate:
    """One kind of stream in a service.

    ``events`` and ``commands`` give each class its name in the database (``placed.v1``); ``commands`` are those that
    timers carry. ``view`` writes read tables in the append's transaction, ``tables`` are the ones it writes.
    ``snapshot_every`` versions a snapshot is kept, of ``fold_version``: raise it when state or ``evolve`` change.
    """

    decider: Decider[Any, Any, Any]
    events: Mapping[str, type]
    commands: Mapping[str, type] = field(default_factory=dict)
    view: View | None = None
    tables: tuple[sa.Table, ...] = ()
    upcasters: Mapping[str, tuple[str, Upcaster]] = field(default_factory=dict)
    snapshot_every: int | None = None
    fold_version: int = 1

    @cached_property
    def codec(self) -> Codec:
        """Reads and writes this stream's events and commands."""
        return Codec({**self.events, **self.commands}, self.upcasters)

    @cached_property
    def states(self) -> Codec:
        """Reads and writes this stream's state, for snapshots."""
        return Codec({"state": type(self.decider.initial)}, {})
