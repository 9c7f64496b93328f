"""Drawing what goes wrong, and counting it."""

from collections import Counter
from random import Random

from soko.simulation.chance import Weather
from soko.simulation.gate import Fate, writes
from soko.simulation.lives import Life

WHOLE_BATCH = "json_populate_recordset"
"""What marks a statement that writes many rows, and so may meet another's locks in another order."""


class Misfortune:
    """``strikes(kind)`` is whether it happens here and now; ``over`` ends all of it. ``tally`` counts what happened."""

    def __init__(self, weather: Weather, chance: Random) -> None:
        self.tally: Counter[str] = Counter()
        self._faults, self._chance, self.over = weather.faults, chance, False

    def strikes(self, kind: str, what: str = "") -> bool:
        """Whether this kind of misfortune happens now, to ``what``."""
        likely = self._faults.get(kind)
        if self.over or likely is None or self._chance.random() >= likely:
            return False
        self.tally[kind] += 1
        if what:
            self.tally[f"{kind}: {what}"] += 1
        return True

    def fate(self, life: Life | None, sql: str) -> Fate:
        """What becomes of a statement, or of a transaction's commit."""
        if self.over or life is None:
            return Fate.GOOD
        changes = writes(sql)
        if WHOLE_BATCH in sql and life.name != "cardsim" and self.strikes("serialization failure"):
            return Fate.SERIALIZATION
        if self.strikes("connection lost before"):
            return Fate.LOST_BEFORE
        if changes and self.strikes("connection lost after"):
            return Fate.LOST_AFTER
        return Fate.GOOD
