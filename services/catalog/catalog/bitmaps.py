"""Which products have what, as bits in memory.

A product is the bit of its number in Python's integers: a hundred thousand of them take 13 kB, and to intersect or
count two such sets takes microseconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Facet = tuple[str, str]
"""A kind and, of attributes, the name."""
Row = tuple[int, Iterable[tuple[Facet, Any]]]
"""A product's number, and all that it has: values are whatever can be a key."""

MOST_BYTES = 32 * 1024 * 1024
OVERHEAD = 500
"""Bytes a value costs besides its bits."""
BITS = 63
"""Of a number that products are ordered by, kept as the facet of the places at which it has a one."""


class NotHeld(LookupError):
    """Of this facet there are more values than memory was given for."""


class Bitmaps:
    """For each value of each facet the products that have it.

    Where all values together would take more than ``most_bytes``, the facet that has most of them is given up.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: dict[Facet, dict[Any, int]] = {}
        self._highest = 0
        self.given_up: set[Facet] = set()

    def put(self, rows: Iterable[Row]) -> None:
        """These products have this and nothing else from now on."""
        numbers, new = list[int](), dict[Facet, dict[Any, list[int]]]()
        for number, having in rows:
            numbers.append(number)
            for facet, value in having:
                if facet not in self.given_up:
                    new.setdefault(facet, {}).setdefault(value, []).append(number)
        if not numbers:
            return
        self._take_out(bits_of(numbers))
        for facet, values in new.items():
            held = self._held.setdefault(facet, {})
            for value, having_it in values.items():
                held[value] = held.get(value, 0) | bits_of(having_it)
        self._highest = max(self._highest, *numbers)
        self._fit_in()

    def _take_out(self, those: int) -> None:
        for values in self._held.values():
            for value, bits in [(value, bits) for value, bits in values.items() if bits & those]:
                if rest := without(bits, those):
                    values[value] = rest
                else:
                    del values[value]

    def _fit_in(self) -> None:
        each = self._highest // 8 + OVERHEAD
        while sum(map(len, self._held.values())) * each > self._most_bytes:
            largest = max(self._held, key=lambda facet: len(self._held[facet]))
            del self._held[largest]
            self.given_up.add(largest)

    def values(self, facet: Facet) -> Mapping[Any, int]:
        """Each value with the products that have it. Raises ``NotHeld``."""
        if facet in self.given_up:
            raise NotHeld(facet)
        return self._held.get(facet, {})

    def having(self, facet: Facet, *values: Any) -> int:
        """Products with any of these values. Raises ``NotHeld``."""
        held, found = self.values(facet), 0
        for value in values:
            found |= held.get(value, 0)
        return found

    def names(self, kind: str) -> list[str]:
        """The names of this kind's facets."""
        return [name for one, name in self._held if one == kind]

    def up_to(self, places: Facet, most: int, among: int) -> int:
        """Those of ``among`` whose number is ``most`` or less. Raises ``NotHeld``."""
        if most < 0:
            return 0
        if most >= 1 << BITS:
            return among
        ones, below, equal = self.values(places), 0, among
        for place in reversed(range(BITS)):
            at = ones.get(place, 0) & equal
            if most >> place & 1:
                below |= equal ^ at
                equal = at
            else:
                equal ^= at
        return below | equal

    def first(self, places: Facet, count: int, among: int, *, descending: bool) -> int:
        """So many of ``among`` with the least number, or the greatest, and all that tie with the last of them.

        Raises ``NotHeld``.
        """
        ones, chosen, rest = self.values(places), 0, among
        for place in reversed(range(BITS)):
            greater = ones.get(place, 0) & rest
            near = greater if descending else rest ^ greater
            if (nearer := near.bit_count()) >= count:
                rest = near
            else:
                chosen, rest, count = chosen | near, rest ^ near, count - nearer
        return chosen | rest


def places_of(number: int) -> Sequence[int]:
    """At which places a number from 0 has a one."""
    return [place for place in range(number.bit_length()) if number >> place & 1]


def without(bits: int, others: int) -> int:
    """What is in the first and not in the second."""
    return bits ^ (bits & others)


def numbers_in(bits: int) -> list[int]:
    """The numbers of these products."""
    data = bits.to_bytes(bits.bit_length() // 8 + 1, "little")
    return [at * 8 + place for at, byte in enumerate(data) if byte for place in places_of(byte)]


def bits_of(numbers: Sequence[int]) -> int:
    """These products."""
    data = bytearray(max(numbers, default=0) // 8 + 1)
    for number in numbers:
        data[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(data, "little")
