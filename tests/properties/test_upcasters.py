"""Old events in new code: a stream that began under the first release is the same stream under the third."""

from dataclasses import dataclass
from typing import Any

import pytest
from chassis.codec import Codec, Upcaster, encode
from chassis.decider import Decider
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Weighed:
    """Once in pounds, as a number; then in grams; now with the scale that said so."""

    grams: int
    scale: str = "?"


def in_grams(data: dict[str, Any]) -> dict[str, Any]:
    return {"grams": round(data["pounds"] * 453.592)}


def with_scale(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "scale": "the old one"}


UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "weighed.v1": ("weighed.v2", in_grams),
    "weighed.v2": ("weighed.v3", with_scale),
}
CODEC = Codec({"weighed.v3": Weighed}, UPCASTERS)
SCALE: Decider[Any, int, Weighed] = Decider("scale", 0, lambda command, state: [], lambda total, one: total + one.grams)

STORED = st.one_of(
    st.integers(0, 99).map(lambda n: ("weighed.v1", encode({"pounds": n}), Weighed(round(n * 453.592), "the old one"))),
    st.integers(0, 99).map(lambda n: ("weighed.v2", encode({"grams": n}), Weighed(n, "the old one"))),
    st.integers(0, 99).map(lambda n: ("weighed.v3", encode(Weighed(n, "new")), Weighed(n, "new"))),
)


@given(st.lists(STORED), st.integers(0, 20))
def test_a_stream_of_all_releases_is_folded_as_one(stored: list[tuple[str, bytes, Weighed]], at: int) -> None:
    read = [CODEC.decode(name, data) for name, data, _ in stored]
    assert read == [meant for _, _, meant in stored]
    assert SCALE.fold(read[at:], SCALE.fold(read[:at])) == SCALE.fold(read)


@given(STORED)
def test_what_is_read_is_written_under_its_newest_name(stored: tuple[str, bytes, Weighed]) -> None:
    value = CODEC.decode(stored[0], stored[1])
    assert CODEC.name(value) == "weighed.v3"
    assert CODEC.decode("weighed.v3", encode(value)) == value


def test_data_that_does_not_fit_is_an_error_also_after_it_was_changed() -> None:
    with pytest.raises(ValueError, match="grams"):
        CODEC.decode("weighed.v2", b'{"stones": 1}')
