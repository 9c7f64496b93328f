"""Where everything accidental comes from: streams of one seed, apart from each other so that none disturbs another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TypeVar

from chassis.world import uuid7

T = TypeVar("T")


def stream(seed: int, name: str) -> Random:
    """The stream of chance called ``name``."""
    return Random(f"{seed}/{name}")  # noqa: S311 - it has to be the same again


class Ids:
    """UUIDv7 of the virtual clock and seeded chance."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def at(self, now: datetime) -> str:
        return uuid7(int(now.timestamp() * 1000), self._chance.getrandbits(74))


def weighted(chance: Random, weights: Mapping[T, float]) -> T:
    """One of the keys; one of weight 0 never."""
    left = chance.random() * sum(weights.values())
    for key, weight in weights.items():
        if left < weight:
            return key
        left -= weight
    return max(weights, key=weights.__getitem__)


KINDS: Mapping[str, float] = {
    "crash at a point": 0.04,
    "crash": 0.004,
    "serialization failure": 0.02,
    "connection lost before": 0.008,
    "connection lost after": 0.01,
    "send dropped": 0.06,
    "send halved": 0.04,
    "send unconfirmed": 0.06,
    "delivered twice": 0.1,
    "request lost": 0.02,
    "answer lost": 0.03,
    "provider silent": 0.15,
    "provider slow": 0.2,
    "webhook twice": 0.5,
}
"""Each kind of misfortune, and how likely it is where it can happen."""


@dataclass(frozen=True)
class Weather:
    """What may go wrong in one history, how likely, and how it is played.

    Most histories have only some kinds of misfortune: too many at once hide each other.
    """

    faults: Mapping[str, float]
    broker: bool
    """Messages wait in queues, as with a broker; else they are handed over directly."""
    flowing: bool
    """Loops hand on in memory what they commit."""
    staying: float
    """How likely the one that was moved last goes on."""
    patience: float
    """How likely time passes though something could be done."""
    actions: int

    @classmethod
    def of(cls, chance: Random, kinds: Sequence[str] = tuple(KINDS)) -> "Weather":
        """A history's own."""
        share = chance.choice((0.0, 0.3, 0.6, 0.9))
        strength = chance.choice((0.5, 1.0, 2.0))
        return cls(
            faults={kind: KINDS[kind] * strength for kind in kinds if chance.random() < share},
            broker=chance.random() < 0.5,
            flowing=chance.random() < 0.75,
            staying=chance.choice((0.0, 0.5, 0.8, 0.95)),
            patience=chance.choice((0.01, 0.04, 0.1)),
            actions=chance.randint(15, 45),
        )
