"""Which faults, when and to whom: drawn by a seed, so that a schedule can be played again."""

import random
from dataclasses import dataclass

from soko.services import CARDSIM, PROCESSES, SERVICES

SERVERS = ("postgresql", "rabbitmq")
SUPERVISOR = "shop"
SECONDS = 90.0
"""From the first fault to the beginning of the last."""
PAUSE = 3.0, 7.0
"""Seconds from one fault to the next. A fault may last longer: several can be on at once."""
FROZEN_SECONDS = 20.0
FULL_SECONDS = 12.0
WITHOUT_SECONDS = 8.0
"""It is cut off from its database so long, and killed in the middle: with all that it could not store."""
NETWORK_SECONDS = {"cut off": (5.0, 15.0), "silent": (5.0, 25.0), "slow": (5.0, 15.0)}
"""The longest silence outlasts the broker's heartbeats and the wait for its confirms."""

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
    "kill without its database": SERVICES,
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


def draw(seed: int) -> list[Fault]:
    """A schedule: every kind once in some order, then any, as long as there is time."""
    chance = random.Random(seed)
    kinds = list(VICTIMS)
    chance.shuffle(kinds)
    faults: list[Fault] = []
    at = 0.0
    while at < SECONDS:
        kind = kinds[len(faults)] if len(faults) < len(kinds) else chance.choice(kinds)
        faults.append(Fault(at, kind, chance.choice(VICTIMS[kind]), _lasting(kind, chance)))
        at += chance.uniform(*PAUSE)
    return faults


def _lasting(kind: str, chance: random.Random) -> float:
    match kind:
        case "freeze":
            return FROZEN_SECONDS
        case "disk full":
            return FULL_SECONDS
        case "kill without its database":
            return WITHOUT_SECONDS
        case _:
            return chance.uniform(*NETWORK_SECONDS.get(kind.partition(" ")[2], (0.0, 0.0)))
