import asyncio
from datetime import UTC, datetime

import pytest
from catalog.cache import MOST_BYTES, OVERHEAD, Answers, Period, Ready

KEY = ("/api/v1/products", b"")
ALWAYS = Period("1", datetime.max.replace(tzinfo=UTC))


def kept(most_bytes: int = MOST_BYTES) -> Answers:
    answers = Answers(most_bytes=most_bytes)
    answers.stand(ALWAYS, ALWAYS.until)
    return answers


def ready(text: str) -> Ready:
    return Ready.of(text.encode(), 1)


class Reading:
    """A reading that ends when the test lets it."""

    def __init__(self, text: str) -> None:
        self.text, self.go, self.times = text, asyncio.Event(), 0

    async def __call__(self) -> Ready:
        self.times += 1
        await self.go.wait()
        return ready(self.text)


async def started(task: asyncio.Task[Ready]) -> asyncio.Task[Ready]:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_an_answer_is_read_once_and_kept() -> None:
    answers, reading = kept(), Reading("a")
    reading.go.set()

    first, second = await answers.make(KEY, reading), await answers.make(KEY, reading)

    assert first is second is answers.get(KEY)
    assert reading.times == 1


async def test_those_who_ask_for_the_same_wait_for_the_first() -> None:
    answers, reading = kept(), Reading("a")
    asking = [await started(asyncio.create_task(answers.make(KEY, reading))) for _ in range(5)]

    reading.go.set()

    assert {each.body for each in await asyncio.gather(*asking)} == {b"a"}
    assert reading.times == 1


async def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    answers, old, new = kept(), Reading("old"), Reading("new")
    asking = await started(asyncio.create_task(answers.make(KEY, old)))
    answers.drop()
    later = await started(asyncio.create_task(answers.make(KEY, new)))

    old.go.set()
    await asking

    assert answers.get(KEY) is None
    new.go.set()
    assert (await later).body == b"new"
    assert answers.get(KEY) is await later


async def test_a_reading_that_fails_fails_for_all_and_is_tried_again() -> None:
    answers = kept()

    async def fails() -> Ready:
        await asyncio.sleep(0)
        raise LookupError

    results = await asyncio.gather(*(answers.make(KEY, fails) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in results] == [LookupError] * 3
    reading = Reading("a")
    reading.go.set()
    assert (await answers.make(KEY, reading)).body == b"a"


async def test_when_the_first_goes_away_another_reads() -> None:
    answers, reading = kept(), Reading("a")
    first = await started(asyncio.create_task(answers.make(KEY, reading)))
    second = await started(asyncio.create_task(answers.make(KEY, reading)))

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    reading.go.set()

    assert (await second).body == b"a"
    assert reading.times == 2


async def test_who_goes_away_together_with_the_first_does_not_read_on() -> None:
    answers, reading = kept(), Reading("a")
    asking = [await started(asyncio.create_task(answers.make(KEY, reading))) for _ in range(2)]

    for each in asking:
        each.cancel()
    await asyncio.wait(asking, timeout=5)

    assert [each.cancelled() for each in asking] == [True, True]
    assert reading.times == 1


async def test_whoever_comes_when_the_last_look_is_too_long_ago_looks_first_all_with_one_look() -> None:
    answers, reading, looks = Answers(), Reading("a"), 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        answers.stand(ALWAYS, ALWAYS.until)

    answers.follow(look)
    reading.go.set()
    await asyncio.gather(*(answers.make(KEY, reading) for _ in range(5)))

    assert (looks, reading.times) == (1, 1)
    answers.stand(ALWAYS, datetime.min.replace(tzinfo=UTC))
    assert answers.get(KEY) is None
    await answers.make(KEY, reading)
    assert (looks, reading.times) == (2, 1)


async def test_the_oldest_answers_make_room() -> None:
    answers, reading = kept(2 * (OVERHEAD + 5)), Reading("12345")
    reading.go.set()

    for n in range(3):
        await answers.make((f"/{n}", b""), reading)

    assert [answers.get((f"/{n}", b"")) is not None for n in range(3)] == [False, True, True]
