"""What was stored once is read for ever: a sample of each event and timer, as some database may hold it.

A sample is never changed. An event that needs another shape gets a new name and a sample of its own; the old name gets
an upcaster and keeps its sample.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cart.service import CART, COUPON, CUSTOMER_USES, REDEMPTION
from chassis.aggregate import Aggregate
from chassis.codec import encode
from hypothesis import given
from hypothesis import strategies as st
from inventory.service import AGGREGATES
from order.service import ORDER
from payment.service import PAYMENT
from thoroughness import runs

STORED = Path(__file__).parent / "stored"
CARTS = (CART, COUPON, REDEMPTION, CUSTOMER_USES)
KINDS: dict[str, Aggregate] = {kind.decider.stream: kind for kind in (ORDER, PAYMENT, *CARTS, *AGGREGATES)}
SAMPLES: dict[str, dict[str, Any]] = {
    stream: json.loads((STORED / f"{stream}.json").read_text(encoding="utf-8")) for stream in KINDS
}
EACH = [(stream, name) for stream, samples in SAMPLES.items() for name in samples]


def stored(stream: str, name: str) -> bytes:
    return json.dumps(SAMPLES[stream][name]).encode()


@pytest.mark.parametrize("stream", KINDS)
def test_each_name_that_is_stored_has_a_sample(stream: str) -> None:
    kind = KINDS[stream]
    assert set(SAMPLES[stream]) >= {*kind.events, *kind.commands}, "add it to tests/properties/stored"


@pytest.mark.parametrize(("stream", "name"), EACH)
def test_a_sample_is_read_and_said_again(stream: str, name: str) -> None:
    codec = KINDS[stream].codec
    value = codec.decode(name, stored(stream, name))
    again = encode(value)
    assert codec.decode(codec.name(value), again) == value
    if codec.name(value) == name:
        assert known(json.loads(again), SAMPLES[stream][name]) == SAMPLES[stream][name]


def known(said: Any, sample: Any) -> Any:
    """``said`` without the fields that are younger than the sample."""
    if isinstance(said, dict) and isinstance(sample, dict):
        return {name: known(said[name], sample[name]) for name in said if name in sample}
    if isinstance(said, list) and isinstance(sample, list) and len(said) == len(sample):
        return [known(one, other) for one, other in zip(said, sample, strict=True)]
    return said


@pytest.mark.parametrize(("stream", "name"), EACH)
def test_a_field_that_younger_code_wrote_is_passed_over(stream: str, name: str) -> None:
    """A release that is rolled back meets events of the one after it."""
    codec = KINDS[stream].codec
    younger = json.dumps({**SAMPLES[stream][name], "written_by_younger_code": [1]}).encode()
    assert codec.decode(name, younger) == codec.decode(name, stored(stream, name))


@pytest.mark.parametrize("stream", KINDS)
@runs(40)
@given(st.data())
def test_no_memory_fails_whatever_happened_before(stream: str, data: st.DataObject) -> None:
    """An event is a fact: ``evolve`` may find it strange, not impossible. And a snapshot says all that it made."""
    kind = KINDS[stream]
    state = kind.decider.initial
    for name in data.draw(st.lists(st.sampled_from(sorted(kind.events)), max_size=30)):
        state = kind.decider.evolve(state, kind.codec.decode(name, stored(stream, name)))
        assert kind.states.decode("state", encode(state)) == state
