"""Rows of read tables, as data: views and copies return them, the unit writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Put:
    """The row with this primary key is now this. Columns left out keep their value, or their default when new."""

    table: sa.Table
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Remove:
    """There is no row with this primary key any more."""

    table: sa.Table
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Keep:
    """A copy of what another service said: written unless the row's ``sequence`` is as new already."""

    table: sa.Table
    values: Mapping[str, Any]


Row = Put | Remove | Keep


@dataclass(frozen=True, slots=True)
class Meta:
    """Where and when an event was recorded."""

    stream: str
    id: str
    version: int
    recorded_at: datetime
