"""What a seed draws is all there is to know of a run: it can be played again, and leaves no kind of fault out."""

import pytest
from schedule import VICTIMS, draw


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_draws_the_same_schedule_again_with_every_kind_of_fault_in_it(seed: int) -> None:
    assert draw(seed) == draw(seed) != draw(seed + 1)
    assert {fault.kind for fault in draw(seed)} == set(VICTIMS)
