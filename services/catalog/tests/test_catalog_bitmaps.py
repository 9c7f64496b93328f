"""Bitmaps are sets: whatever is put into them and asked of them, Python's own sets say the same."""

from collections.abc import Mapping
from typing import Any

import pytest
from catalog.bitmaps import BITS, OVERHEAD, Bitmaps, Facet, NotHeld, bits_of, numbers_in, places_of, without
from hypothesis import given
from hypothesis import strategies as st

COLOUR: Facet = ("attribute", "colour")
PLACES: Facet = ("price's places", "")
EVERY: Facet = ("status", "")

numbers = st.integers(1, 300)
prices = st.one_of(st.integers(0, 20), st.integers(0, 2**BITS - 1))
goods = st.dictionaries(numbers, st.tuples(st.sampled_from(["red", "blue", None]), prices), max_size=30)


def made(*puts: Mapping[int, tuple[str | None, int]]) -> Bitmaps:
    bitmaps = Bitmaps()
    for put in puts:
        bitmaps.put(
            (
                number,
                [
                    (EVERY, "active"),
                    *((PLACES, place) for place in places_of(price)),
                    *([(COLOUR, colour)] if colour else []),
                ],
            )
            for number, (colour, price) in put.items()
        )
    return bitmaps


@given(st.sets(numbers), st.sets(numbers))
def test_bits_are_sets_of_numbers(some: set[int], others: set[int]) -> None:
    assert numbers_in(bits_of(sorted(some))) == sorted(some)
    assert numbers_in(without(bits_of([*some]), bits_of([*others]))) == sorted(some - others)


@given(st.lists(goods, max_size=4))
def test_what_was_put_last_is_what_there_is(puts: list[dict[int, tuple[str | None, int]]]) -> None:
    bitmaps, now = made(*puts), {number: one for put in puts for number, one in put.items()}

    for colour in ("red", "blue"):
        assert numbers_in(bitmaps.having(COLOUR, colour)) == sorted(n for n, one in now.items() if one[0] == colour)
    assert set(bitmaps.values(COLOUR)) == {one[0] for one in now.values()} - {None}
    assert numbers_in(bitmaps.having(COLOUR, "red", "blue", "green")) == sorted(n for n, one in now.items() if one[0])


@given(goods, prices, st.integers(-1, 2**64))
def test_a_bound_is_found_by_the_places_of_its_ones(
    put: dict[int, tuple[str | None, int]], near: int, far: int
) -> None:
    bitmaps = made(put)
    every = bitmaps.having(EVERY, "active")

    for most in (near, far):
        found = bitmaps.up_to(PLACES, most, every)
        assert numbers_in(found) == sorted(number for number, (_, price) in put.items() if price <= most)


@given(goods, st.integers(1, 40), st.booleans())
def test_the_first_are_the_least_or_the_greatest_with_all_who_tie(
    put: dict[int, tuple[str | None, int]], count: int, descending: bool
) -> None:
    bitmaps = made(put)
    ordered = sorted((price for _, price in put.values()), reverse=descending)

    found = bitmaps.first(PLACES, count, bitmaps.having(EVERY, "active"), descending=descending)

    last = ordered[:count][-1] if ordered else 0
    assert numbers_in(found) == sorted(
        number for number, (_, price) in put.items() if (price >= last if descending else price <= last)
    )


def test_the_facet_with_most_values_is_given_up_where_there_is_no_room_for_all() -> None:
    bitmaps = Bitmaps(most_bytes=10 * OVERHEAD)

    bitmaps.put((n, [(EVERY, "active"), (COLOUR, "red"), (("attribute", "serial"), str(n))]) for n in range(1, 7))
    assert not bitmaps.given_up
    bitmaps.put((n, [(EVERY, "active"), (("attribute", "serial"), str(n))]) for n in range(7, 20))

    assert bitmaps.given_up == {("attribute", "serial")}
    with pytest.raises(NotHeld):
        bitmaps.having(("attribute", "serial"), "3")
    assert numbers_in(bitmaps.having(COLOUR, "red")) == [1, 2, 3, 4, 5, 6]
    assert bitmaps.having(EVERY, "active").bit_count() == 19


def test_a_hundred_thousand_products_of_a_usual_shop_take_some_megabytes() -> None:
    held: dict[str, Any] = {"brand": 500, "category": 300, "colour": 20, "material": 30}
    bitmaps = Bitmaps()

    for start in range(1, 100_000, 10_000):
        bitmaps.put(
            (n, [((name, ""), n % count) for name, count in held.items()]) for n in range(start, start + 10_000)
        )

    assert not bitmaps.given_up
