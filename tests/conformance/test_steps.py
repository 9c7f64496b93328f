"""The chassis driven one step at a time: every promise that does not need a courier."""

import asyncio
import logging
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from asyncpg import DiskFullError
from chassis.context import Context
from chassis.decider import Refused
from chassis.faults import Crash
from chassis.fixtures import Harness
from chassis.idempotency import KeyInFlight, KeyReused
from chassis.once import Once
from chassis.parked import drop, parked, replay
from chassis.rebuild import Rebuild
from chassis.service import Service
from chassis.settings import Settings
from chassis.world import new_id
from toy.domain import Add, AddOrder, Move, MoveOrder, Tally, move, tally
from toy.service import Outside, build

CONTEXT = Context("request", "story", "request")


async def state(harness: Harness, id_: str) -> Tally:
    found = await harness.service.load(tally, id_)
    assert isinstance(found.state, Tally)
    return found.state


async def rows(harness: Harness, sql: str, *values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in await harness.service.database.pool.fetch(sql, *values)]


async def test_a_command_message_is_obeyed_once_and_told(running: Any) -> None:
    async with running(build, Settings) as harness:
        await harness.deliver(AddOrder(tally_id="a", amount=5), subject="a")
        assert (await state(harness, "a")).total == 5
        assert [message.total for message in harness.sent] == [5]
        assert await rows(harness, "select id, version, total from tallies") == [{"id": "a", "version": 1, "total": 5}]
        assert await rows(harness, "select 1 from inbox") == await rows(harness, "select 1 from outbox") == []
        assert (
            len(await rows(harness, "select 1 from done")) == len(await rows(harness, "select 1 from published")) == 1
        )


async def test_a_message_that_comes_twice_has_one_effect(running: Any) -> None:
    async with running(build, Settings) as harness:
        envelope = harness.envelope(AddOrder(tally_id="a", amount=5), subject="a")
        await harness.service.receive([envelope, envelope])
        await asyncio.gather(harness.service.receive([envelope]), harness.service.work_once())
        await harness.settle()
        await harness.service.receive([envelope])
        await harness.settle()
        assert (await state(harness, "a")).count == 1


async def test_a_failing_message_holds_only_its_own_key(running: Any) -> None:
    async with running(build, Settings) as harness:
        service, clock = harness.service, harness.clock
        orders = [("a", 1), ("b", 13), ("b", 2), ("c", 3)]
        await service.receive(
            [harness.envelope(AddOrder(tally_id=id_, amount=amount), subject=id_) for id_, amount in orders]
        )
        await harness.settle()
        assert [(await state(harness, id_)).total for id_ in "abc"] == [1, 0, 3]
        (failed,) = await rows(harness, "select tries, error, due_at from inbox where tries > 0")
        assert failed["tries"] == 1
        assert "thirteen" in failed["error"]
        delays = await fail_until_parked(harness)
        assert len(delays) == 7
        assert all(later > earlier * 1.5 for earlier, later in pairwise(delays))
        assert (await state(harness, "b")).total == 0  # the parked one still holds the key
        async with service.database.pool.acquire() as connection:
            (shown,) = await parked(connection)
            assert await replay(connection, shown["id"], clock())
            assert not await drop(connection, shown["id"], clock())  # it waits for its next try: not parked
            await fail_until_parked(harness)
            assert await drop(connection, shown["id"], clock())
        await harness.settle()
        assert (await state(harness, "b")).total == 2


async def parked_id(harness: Harness) -> int:
    (row,) = await rows(harness, "select id from inbox where parked_at is not null")
    return int(row["id"])


async def fail_until_parked(harness: Harness) -> list[timedelta]:
    """Let every try of the one failing message pass; the waits between them."""
    delays = []
    await harness.settle()
    while not await rows(harness, "select 1 from inbox where parked_at is not null"):
        (row,) = await rows(harness, "select due_at from inbox where tries > 0")
        delays.append(row["due_at"] - harness.clock())
        harness.clock.advance(delays[-1])
        await harness.settle()
    return delays


async def test_a_full_disk_is_no_messages_fault(running: Any) -> None:
    async with running(build, Settings) as harness:
        pool = harness.service.database.pool
        await pool.execute(
            "create function full_disk() returns trigger language plpgsql as"
            " $$ begin raise 'could not extend file' using errcode = 'disk_full'; end $$"
        )
        await pool.execute("create trigger full_disk before insert on events execute function full_disk()")
        await harness.service.receive([harness.envelope(AddOrder(tally_id="a", amount=5), subject="a")])
        for _ in range(10):
            with pytest.raises(DiskFullError):
                await harness.service.work_once()
            harness.clock.advance(timedelta(hours=1))
        assert await rows(harness, "select tries, parked_at from inbox") == [{"tries": 0, "parked_at": None}]
        await pool.execute("drop trigger full_disk on events")
        await harness.settle()
        assert (await state(harness, "a")).total == 5


async def test_timers_pass_a_parked_message(running: Any) -> None:
    async with running(build, Settings) as harness:
        await harness.deliver(AddOrder(tally_id="a", amount=1, after=60), subject="a")
        await harness.deliver(AddOrder(tally_id="a", amount=13), subject="a")
        for _ in range(8):
            harness.clock.advance(timedelta(minutes=6))
            await harness.settle()
        assert await parked_id(harness)
        assert (await state(harness, "a")).fired == 1


async def test_a_timer_set_again_moves(running: Any) -> None:
    async with running(build, Settings) as harness:
        await harness.deliver(AddOrder(tally_id="a", amount=1, after=60), subject="a")
        harness.clock.advance(timedelta(seconds=50))
        await harness.deliver(AddOrder(tally_id="a", amount=1, after=60), subject="a")
        harness.clock.advance(timedelta(seconds=50))
        await harness.settle()
        assert (await state(harness, "a")).fired == 0
        harness.clock.advance(timedelta(seconds=10))
        await harness.settle()
        assert (await state(harness, "a")).fired == 1


async def test_a_command_over_two_streams_is_all_or_nothing(running: Any) -> None:
    async with running(build, Settings) as harness:
        service = harness.service
        await harness.deliver(AddOrder(tally_id="a", amount=5), subject="a")
        await service.execute_many(move, Move("a", "b", 4, harness.clock()), CONTEXT)
        assert [(await state(harness, id_)).total for id_ in "ab"] == [1, 4]
        with pytest.raises(Refused):
            await service.execute_many(move, Move("a", "b", 4, harness.clock()), CONTEXT)
        await harness.deliver(MoveOrder(source="b", target="a", amount=4), subject="b")
        assert [(await state(harness, id_)).total for id_ in "ab"] == [5, 0]
        await harness.deliver(MoveOrder(source="b", target="a", amount=4), subject="b")
        assert (await rows(harness, "select note from done order by id desc limit 1"))[0][
            "note"
        ] == "refused: too-little"


async def test_a_hundred_commands_at_once_on_one_stream_all_count(running: Any) -> None:
    async with running(build, Settings) as harness:
        now = harness.clock()
        adds = [harness.service.execute(tally, "hot", Add("hot", 1, now), CONTEXT) for _ in range(100)]
        await asyncio.gather(*adds)
        assert (await state(harness, "hot")).total == 100
        other = build(harness.service.settings, harness.service.world)
        await other.open_database()
        assert (await other.load(tally, "hot")).state == await state(harness, "hot")  # snapshot plus tail
        await other.stop()


async def test_one_idempotency_key_has_one_effect(running: Any) -> None:
    async with running(build, Settings) as harness:
        once = Once("user:1", "POST /adds", "key", "hash").for_("a")
        now = harness.clock()

        async def add() -> str:
            try:
                done = await harness.service.execute(tally, "a", Add("a", 1, now), CONTEXT, once)
            except KeyInFlight:
                return "in flight"
            return "replayed" if done.replayed else "made"

        answers = await asyncio.gather(*(add() for _ in range(10)))
        assert answers.count("made") == 1
        assert set(answers) <= {"made", "replayed", "in flight"}
        assert await add() == "replayed"
        other = Once("user:1", "POST /adds", "key", "another").for_("a")
        with pytest.raises(KeyReused):
            await harness.service.execute(tally, "a", Add("a", 1, now), CONTEXT, other)
        assert (await state(harness, "a")).total == 1


async def test_a_call_is_made_and_its_answer_comes_back(running: Any) -> None:
    outside = Outside()
    async with running(lambda settings, world: build(settings, world, outside), Settings) as harness:
        outside.failures = 1
        await harness.deliver(AddOrder(tally_id="a", amount=1, ask=True), subject="a")
        assert (await state(harness, "a")).answers == ()
        harness.clock.advance(timedelta(seconds=2))
        await harness.settle()
        assert (await state(harness, "a")).answers == ("yes",)
        assert outside.asked == ["a:1", "a:1"]


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_lost_lease_is_called_again_only_under_an_idempotency_key(running: Any, idempotent: bool) -> None:
    outside = Outside()

    def built(settings: Settings, world: Any) -> Service:
        return build(settings, world, outside, idempotent=idempotent)

    async with running(built, Settings) as harness:
        outside.gate.clear()
        await harness.service.receive([harness.envelope(AddOrder(tally_id="a", amount=1, ask=True), subject="a")])
        await harness.service.work_once()
        await harness.service.calls_once(wait_all=False)  # leased and out; then this process dies
        other = built(harness.service.settings, harness.service.world)
        await other.open_database()
        await other.calls_once(wait_all=False)
        assert outside.asked == ["a:1"]
        harness.clock.advance(timedelta(minutes=3))
        outside.gate.set()
        await other.calls_once()
        assert outside.asked == (["a:1", "a:1"] if idempotent else ["a:1"])
        assert (await other.load(tally, "a")).state.answers == (("yes",) if idempotent else ("unknown",))
        await harness.service.calls_once()  # the first process was only slow: its lease is gone, its answer too
        assert len((await other.load(tally, "a")).state.answers) == 1
        await other.stop()


@pytest.mark.parametrize("point", ["receive.stored", "work.written", "relay.sent", "call.leased", "call.made"])
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
        while True:
            try:
                await harness.service.receive([envelope])  # the sender was not told, so it sends again
                await harness.settle()
                break
            except Crash:
                harness.clock.advance(timedelta(minutes=3))
        harness.clock.advance(timedelta(minutes=3))
        await harness.settle()
        assert crashed == [point]
        found = await state(harness, "a")
        assert (found.total, found.answers) == (1, ("yes",))
        assert {envelope.id for envelope in harness.recorder.envelopes} == {
            row["message_id"] for row in await rows(harness, "select message_id from published")
        }


async def test_two_workers_and_relays_side_by_side_lose_and_double_nothing(running: Any) -> None:
    async with running(build, Settings) as harness:
        other = build(harness.service.settings, harness.service.world)
        await other.open_database()
        envelopes = [
            harness.envelope(AddOrder(tally_id=f"t{n % 7}", amount=n), subject=f"t{n % 7}")
            for n in range(500)
            if n != 13
        ]
        await harness.service.receive(envelopes)

        async def drive(service: Service) -> None:
            while await rows(harness, "select 1 from inbox union all select 1 from outbox"):
                await service.work_once()
                await service.relay_once()

        await asyncio.gather(drive(harness.service), drive(other))
        totals = [(await state(harness, f"t{n}")).total for n in range(7)]
        assert sum(totals) == sum(range(500)) - 13
        assert len(harness.recorder.envelopes) == len({one.id for one in harness.recorder.envelopes}) == 499
        await other.stop()


async def test_a_message_of_an_unknown_shape_is_kept_and_parked(running: Any) -> None:
    from dataclasses import replace

    async with running(build, Settings) as harness:
        good = harness.envelope(AddOrder(tally_id="a", amount=1), subject="a")
        bad = replace(good, id=new_id(), data=b'{"tally_id": 7}')
        await harness.service.receive([bad, good])
        for _ in range(9):
            await harness.settle()
            harness.clock.advance(timedelta(minutes=6))
        assert (await state(harness, "a")).total == 1
        assert await parked_id(harness)


async def test_views_rebuilt_beside_live_traffic_are_the_same_rows(running: Any) -> None:
    async with running(build, Settings) as harness:
        service, now = harness.service, harness.clock()
        for n in range(30):
            await service.execute(tally, f"t{n % 5}", Add(f"t{n % 5}", n + 20, now), CONTEXT)
        writing = asyncio.gather(
            *(service.execute(tally, f"t{n % 7}", Add(f"t{n % 7}", 1, now), CONTEXT) for n in range(200))
        )
        rebuilt = await Rebuild(service).run()
        await writing
        assert [(one.table, one.differed) for one in rebuilt] == [("tallies", False)]
        found = await rows(harness, "select id, version, total from tallies order by id")
        assert [row["version"] for row in found] == [(await service.load(tally, row["id"])).version for row in found]
        assert sum(row["total"] for row in found) == sum(range(20, 50)) + 200


async def test_a_rebuild_mends_a_view_and_says_that_it_differed(running: Any) -> None:
    async with running(build, Settings) as harness:
        await harness.deliver(AddOrder(tally_id="a", amount=5), subject="a")
        await harness.service.database.pool.execute("update tallies set total = 99")
        indexes = "select indexname from pg_indexes where tablename = 'tallies'"
        before = await rows(harness, indexes)
        assert [one.differed for one in await Rebuild(harness.service).run()] == [True]
        assert await rows(harness, "select total from tallies") == [{"total": 5}]
        assert await rows(harness, indexes) == before


async def test_a_batch_is_one_log_line_with_the_stories_it_belongs_to(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(build, Settings) as harness:
        envelopes = [harness.envelope(AddOrder(tally_id=id_, amount=1), subject=id_) for id_ in "abc"]
        await harness.service.receive(envelopes)
        await harness.service.work_once()
    (line,) = [record for record in caplog.records if record.message == "worked"]
    told = vars(line)
    assert (told["service"], told["finished"], told["failed"]) == ("toy", 3, 0)
    assert told["correlationids"] == sorted(envelope.correlationid for envelope in envelopes)
