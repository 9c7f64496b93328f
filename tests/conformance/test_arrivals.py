"""Messages worked off as they arrive, calls made and messages sent from memory: as safe as through the tables."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from chassis.context import Context
from chassis.faults import Crash
from chassis.fixtures import Harness, until
from chassis.service import Service
from chassis.settings import Settings
from toy.domain import Add, AddOrder, MoveOrder, Tally, tally
from toy.service import Outside, build

CONTEXT = Context("request", "story", "request")


async def total(service: Service, id_: str) -> int:
    found = await service.load(tally, id_)
    assert isinstance(found.state, Tally)
    return found.state.total


async def count(harness: Harness, table: str) -> int:
    return int(await harness.service.database.pool.fetchval(f"select count(*) from {table}"))


async def replica(harness: Harness) -> Service:
    """Another process of the same service."""
    other = build(harness.service.settings, harness.service.world)
    await other.open_database()
    return other


async def left(service: Service, harness: Harness, messages: int) -> bool:
    """Whether so many have been sent: now and then the relay looks what others have left."""
    await run(service, ["relay"])
    return len({each.id for each in harness.recorder.envelopes}) == messages


async def run(service: Service, names: Iterable[str] = ("worker", "timers", "calls", "relay")) -> None:
    """A turn of each of these loops."""
    for name in names:
        await service.loops()[name][0]()


async def test_what_arrives_is_done_before_the_sender_hears_of_it(running: Any) -> None:
    async with running(build, Settings) as harness:
        harness.service.loops()
        envelope = harness.envelope(AddOrder(tally_id="a", amount=5), subject="a")
        await harness.service.receive([envelope, envelope])
        await asyncio.gather(harness.service.receive([envelope]), harness.service.receive([envelope]))
        assert await total(harness.service, "a") == 5
        assert [await count(harness, table) for table in ("seen", "done", "inbox", "events")] == [1, 1, 0, 1]


async def test_what_comes_behind_one_that_waits_waits_too(running: Any) -> None:
    async with running(build, Settings) as harness:
        service = harness.service
        service.loops()
        orders = [("a", 13), ("a", 1), ("b", 2)]
        envelopes = [harness.envelope(AddOrder(tally_id=id_, amount=n), subject=id_) for id_, n in orders]
        await service.receive(envelopes[:1])
        await service.work_once()
        await service.receive(envelopes[1:2])
        await service.receive(envelopes[2:])
        assert [await total(service, id_) for id_ in "ab"] == [0, 2]
        assert await count(harness, "inbox") == 2
        tried = await service.database.pool.fetch("select tries from inbox order by id")
        assert [row["tries"] for row in tried] == [1, 0]


async def test_nobody_is_refused_on_what_is_only_remembered(running: Any) -> None:
    async with running(build, Settings) as harness:
        service, now = harness.service, harness.clock()
        service.loops()
        await service.execute(tally, "a", Add("a", 1, now), CONTEXT)
        other = await replica(harness)
        await other.execute(tally, "a", Add("a", 9, now), CONTEXT)
        await service.receive([harness.envelope(MoveOrder(source="a", target="b", amount=6), subject="a")])
        await harness.settle()
        assert [await total(service, id_) for id_ in "ab"] == [4, 6]
        await other.execute(tally, "a", Add("a", 5, now), CONTEXT)
        assert (await service.execute(tally, "a", Add("a", -9, now), CONTEXT)).state.total == 0
        await other.stop()


@pytest.mark.parametrize(("amount", "left"), [(5, 14), (-5, 4)])
async def test_a_stream_that_was_taken_for_new_and_is_not_is_read(running: Any, amount: int, left: int) -> None:
    async with running(build, Settings) as harness:
        service = harness.service
        service.loops()
        other = await replica(harness)
        await other.execute(tally, "a", Add("a", 9, harness.clock()), CONTEXT)
        await service.receive([harness.envelope(AddOrder(tally_id="a", amount=amount), subject="a")])
        assert await total(service, "a") == left
        assert [await count(harness, table) for table in ("done", "inbox")] == [1, 0]
        await other.stop()


async def test_where_another_process_works_messages_are_stored_for_it(running: Any) -> None:
    async with running(build, Settings) as harness:
        other = await replica(harness)
        other.loops()
        assert await other.work_once() == 0  # and it has the lock from now on
        harness.service.loops()
        await harness.service.receive([harness.envelope(AddOrder(tally_id="a", amount=5), subject="a")])
        assert await count(harness, "inbox") == 1
        await other.work_once()
        assert await total(harness.service, "a") == 5
        await other.stop()


async def test_who_stands_by_opens_no_connection_a_message_and_takes_over_at_once(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(build, Settings) as harness:
        service, other = harness.service, await replica(harness)
        other.loops()
        await other.work_once()
        await run(other, ["relay"])  # and it has both locks from now on
        service.loops()
        opened, connect = 0, service.database.connect

        async def counted(**more: str) -> Any:
            nonlocal opened
            opened += 1
            return await connect(**more)

        monkeypatch.setattr(service.database, "connect", counted)
        for _ in range(5):
            await service.receive([harness.envelope(AddOrder(tally_id="a", amount=1), subject="a")])
            await run(service, ["worker", "relay"])
        assert (opened, await count(harness, "inbox")) == (2, 5)
        await other.stop()
        await until(service.work_once, 5)
        assert (opened, await total(service, "a")) == (2, 5)


async def test_messages_of_two_processes_leave_in_the_order_of_their_stream(running: Any) -> None:
    async with running(build, Settings) as harness:
        service, now = harness.service, harness.clock()
        other = await replica(harness)
        await run(service, ["relay"])
        for writer in (service, other, service, service, other, other, service):
            await writer.execute(tally, "a", Add("a", 1, now), CONTEXT)
            await run(service, ["relay"])
        await until(lambda: left(service, harness, 7))
        assert [envelope.sequence for envelope in harness.recorder.envelopes] == [1, 2, 3, 4, 5, 6, 7]
        await service.relay_once()
        assert [await count(harness, table) for table in ("outbox", "published")] == [0, 7]
        await other.stop()


async def test_what_could_not_be_sent_is_sent_before_what_came_later(running: Any) -> None:
    async with running(build, Settings) as harness:
        service, now, recorder = harness.service, harness.clock(), harness.recorder
        await run(service, ["relay"])
        await service.execute(tally, "a", Add("a", 1, now), CONTEXT)
        send = recorder.send

        async def away(envelopes: Any) -> None:
            raise ConnectionError("the broker is away")

        recorder.send = away
        with pytest.raises(ConnectionError):
            await run(service, ["relay"])
        recorder.send = send
        await service.execute(tally, "a", Add("a", 1, now), CONTEXT)
        await run(service, ["relay"])
        assert [envelope.sequence for envelope in recorder.envelopes] == [1, 2]


async def test_a_call_goes_out_as_soon_as_it_is_written_and_once(running: Any) -> None:
    outside = Outside()
    async with running(lambda settings, world: build(settings, world, outside), Settings) as harness:
        service = harness.service
        service.loops()
        outside.gate.clear()
        await service.receive([harness.envelope(AddOrder(tally_id="a", amount=1, ask=True), subject="a")])
        await asyncio.sleep(0)
        assert outside.asked == ["a:1"]
        other = await replica(harness)
        await other.calls_once(wait_all=False)
        assert outside.asked == ["a:1"]
        outside.gate.set()
        await service.calls_once()
        assert (await service.load(tally, "a")).state.answers == ("yes",)
        assert await count(harness, "calls") == 0
        await other.stop()


@pytest.mark.parametrize("point", ["receive.stored", "work.written", "relay.sent", "call.made"])
async def test_a_crash_at_any_point_loses_and_doubles_nothing(running: Any, point: str) -> None:
    outside = Outside()
    crashed: list[str] = []

    def crash(reached: str) -> None:
        if reached == point and not crashed:
            crashed.append(reached)
            raise Crash

    async with running(lambda settings, world: build(settings, world, outside), Settings) as harness:
        harness.service.world.faults.at = crash
        envelope = harness.envelope(AddOrder(tally_id="a", amount=1, ask=True), subject="a")
        service = harness.service
        for _ in range(3):
            service.loops()
            try:
                await service.receive([envelope])  # a sender that was not told sends again
                await asyncio.sleep(0)
                await run(service)
                await harness.service.calls_once()
            except Crash:
                harness.clock.advance(timedelta(minutes=3))
                service = build(service.settings, service.world, outside)
                await service.open_database()
        await until(lambda: left(service, harness, 1))
        await service.calls_once()
        assert crashed == [point]
        found = (await service.load(tally, "a")).state
        assert (found.total, found.answers) == (1, ("yes",))
        await service.relay_once()
        assert {each.id for each in harness.recorder.envelopes} == {
            row["message_id"] for row in await service.database.pool.fetch("select message_id from published")
        }
        await service.stop()
