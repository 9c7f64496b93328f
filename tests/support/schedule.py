"""Which faults, when and to whom: drawn by a seed, so that a schedule can be played again."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from soko.services import CARDSIM, PROCESSES, SERVICES

SERVERS = ("postgresql", "rabbitmq")
SUPERVISOR = "shop"
PAUSE = 3.0, 9.0
"""Seconds from one fault to the next. A fault may last longer: several can be on at once."""
FROZEN_SECONDS = 20.0
FULL_SECONDS = 12.0
NETWORK_SECONDS = 5.0, 15.0

VICTIMS = {
    "kill": (*PROCESSES, *SERVERS, SUPERVISOR),
    "freeze": (*PROCESSES, *SERVERS),
    "restart the broker": ("rabbitmq",),
    "restart the database": ("postgresql",),
    "broker cut off": SERVICES,
    "broker silent": SERVICES,
    "broker slow": SERVICES,
    "database cut off": (*SERVICES, CARDSIM),
    "database silent": (*SERVICES, CARDSIM),
    "database slow": (*SERVICES, CARDSIM),
    "disk full": ("postgresql",),
    "restart one after the other": ("all",),
}
"""What can happen, and to whom."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind`` happens to ``victim``, ``at`` seconds after the beginning, and lasts ``seconds`` (0: a moment)."""

    at: float
    kind: str
    victim: str
    seconds: float

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.0f} s" if self.seconds else ""
        return f"{self.at:6.1f} s  {self.kind}: {self.victim}{lasting}"


def draw(seed: int, seconds: float) -> list[Fault]:
    """A schedule of ``seconds``: every kind once in some order, then any, as long as there is time."""
    chance = random.Random(seed)
    kinds = list(VICTIMS)
    chance.shuffle(kinds)
    faults: list[Fault] = []
    at = 0.0
    while at < seconds:
        kind = kinds[len(faults)] if len(faults) < len(kinds) else chance.choice(kinds)
        faults.append(Fault(at, kind, chance.choice(VICTIMS[kind]), _lasting(kind, chance)))
        at += chance.uniform(*PAUSE)
    return faults


def _lasting(kind: str, chance: random.Random) -> float:
    lasting: dict[str, Callable[[], float]] = {"freeze": lambda: FROZEN_SECONDS, "disk full": lambda: FULL_SECONDS}
    if kind.startswith(("broker", "database")):
        return chance.uniform(*NETWORK_SECONDS)
    return lasting.get(kind, float)()
