"""Everything a service takes from outside itself, handed to ``build`` as one thing.

Tests and the simulation own the clock, the ids and the chance; the running shop uses the real ones.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom

from chassis.courier import Courier, LocalCourier
from chassis.database import Database
from chassis.faults import Faults
from chassis.http.peers import Peers


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def uuid7(milliseconds: int, chance: int) -> str:
    """A UUIDv7 (RFC 9562, 5.7) of a Unix time and 74 bits of chance, as text."""
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (chance >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | chance & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_id() -> str:
    """A fresh UUIDv7."""
    return uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big") >> 6)


@dataclass(frozen=True)
class World:
    """``clock`` gives UTC, ``ids`` UUIDv7 text; ``peers`` reaches other services; ``courier`` takes messages away.

    ``database`` makes of a URL, a service's name and a number of connections what the service keeps its data in.
    """

    courier: Courier = field(default_factory=LocalCourier)
    peers: Peers = field(default_factory=lambda: Peers({}))
    clock: Callable[[], datetime] = utc_now
    ids: Callable[[], str] = new_id
    random: Random = field(default_factory=SystemRandom)
    faults: Faults = field(default_factory=Faults)
    database: Callable[[str, str, int], Database] = Database
