"""What the gateway counts of everybody's requests."""

from gateway.limiting import Counts


async def test_a_window_that_has_ended_begins_anew() -> None:
    counts = Counts()
    assert [await counts.incr("mine", 60), await counts.incr("mine", 60), await counts.incr("other", 60)] == [1, 2, 1]
    counts.expirations["mine"] = 0.0
    assert await counts.incr("mine", 60) == 1


async def test_windows_that_have_ended_are_forgotten() -> None:
    counts = Counts()
    assert await counts.incr("ended", -1) == 1
    await counts.incr("mine", 60)
    assert (list(counts.storage), list(counts.expirations)) == (["mine"], ["mine"])


async def test_a_count_looks_at_no_other() -> None:
    """limits' own begins a task at each hit, which walks over all keys."""
    counts = Counts()
    await counts.incr("mine", 60)
    assert counts.timer is None
