"""The public feed: everything, once, in an order that never changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from chassis.fixtures import Harness
from chassis.numbering import LOCK
from chassis.world import new_id
from notification import tail
from notification.feed import number_once
from notification.service import build
from notification.settings import Settings
from soko_contracts import MESSAGES, cart, inventory


@pytest.fixture
async def harness(running: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Harness]:
    async with running(build, Settings, soko_home=tmp_path) as harness:
        yield harness


@pytest.fixture
def reader(harness: Harness) -> dict[str, str]:
    return harness.bearer(new_id(), role="staff", rights=["events:read"])


def opened(cart_id: str) -> Any:
    return cart.Opened(cart_id=cart_id, customer_id=None)


async def events(harness: Harness, reader: dict[str, str], query: str = "") -> Any:
    answer = await harness.client.get(f"/api/v1/events{query}", headers=reader)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_event_type_is_listened_to(harness: Harness) -> None:
    wanted = {type_ for type_, message in MESSAGES.items() if message.KIND == "event"}
    assert harness.service.subscriptions.types == wanted | {"notification.send.v1"}


async def test_the_feed_says_what_was_published(harness: Harness, reader: dict[str, str]) -> None:
    await harness.deliver(opened("c-1"), subject="c-1", sequence=1)
    (event,) = (await events(harness, reader))["items"]
    assert (event["position"], event["type"], event["source"]) == (1, "cart.opened.v1", "cart")
    assert (event["subject"], event["sequence"]) == ("c-1", 1)
    assert event["data"] == {"cart_id": "c-1", "customer_id": None, "lines": []}


async def test_what_is_sent_again_keeps_its_position(harness: Harness, reader: dict[str, str]) -> None:
    first, second = (harness.envelope(opened(id_), subject=id_) for id_ in ("c-1", "c-2"))
    await harness.service.receive([first, second])
    await harness.settle()
    before = await events(harness, reader)
    await harness.service.database.pool.execute("delete from seen")
    await harness.service.receive([second, first])
    await harness.settle()
    assert await events(harness, reader) == before


async def test_what_is_copied_as_it_arrives_is_noted_nowhere_else(harness: Harness, reader: dict[str, str]) -> None:
    service, pool = harness.service, harness.service.database.pool
    service.loops()
    envelope = harness.envelope(opened("c-1"), subject="c-1")
    for _ in range(2):
        await service.receive([envelope, envelope])
        await number_once(service)
        assert [event["position"] for event in (await events(harness, reader))["items"]] == [1]
    for table in ("seen", "done", "inbox", "unnumbered"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0


async def test_positions_have_no_gaps_and_never_change(harness: Harness, reader: dict[str, str]) -> None:
    known: dict[str, int] = {}
    for round_ in range(3):
        await harness.deliver(*(opened(f"c-{round_}-{n}") for n in range(20)), subject=f"s-{round_}")
        found = {event["id"]: event["position"] for event in (await events(harness, reader))["items"]}
        assert known.items() <= found.items()
        known = found
    assert sorted(known.values()) == list(range(1, 61))


async def test_a_subjects_events_keep_their_order_whatever_the_clocks_say(
    harness: Harness, reader: dict[str, str]
) -> None:
    envelopes = [harness.envelope(opened("c-1"), subject="c-1", sequence=n) for n in (1, 2, 3)]
    skewed = [replace(each, time=each.time - timedelta(hours=n)) for n, each in enumerate(envelopes)]
    await harness.service.receive(skewed)
    await harness.settle()
    assert [event["sequence"] for event in (await events(harness, reader))["items"]] == [1, 2, 3]


async def test_one_process_at_a_time_gives_positions(harness: Harness) -> None:
    service = harness.service
    await service.receive([harness.envelope(opened("c-1"), subject="c-1")])
    await service.work_once()
    async with service.database.pool.acquire() as other, other.transaction():
        assert await other.fetchval(LOCK, "feed")
        assert await number_once(service) == 0
        assert await service.database.pool.fetchval("select count(*) from feed") == 0
    await number_once(service)
    assert await service.database.pool.fetchval("select position from feed") == 1


async def test_nothing_uncommitted_is_numbered_or_passed_by(harness: Harness, reader: dict[str, str]) -> None:
    pool = harness.service.database.pool
    late = (
        "insert into unnumbered (message_id, type, source, subject, sequence, time, correlationid, data) "
        "values ('late', 'cart.opened.v1', 'cart', 'c', 1, $1, 'x', '{}')"
    )
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(late, harness.clock())
        await harness.deliver(opened("c-1"), subject="c-1")
        page = await events(harness, reader)
        assert [event["position"] for event in page["items"]] == [1]
        await transaction.commit()
    await harness.settle()
    rest = await events(harness, reader, f"?after={page['position']}")
    assert [(event["position"], event["id"]) for event in rest["items"]] == [(2, "late")]


async def test_pages_follow_each_other(harness: Harness, reader: dict[str, str]) -> None:
    await harness.deliver(*(opened(f"c-{n}") for n in range(5)), subject="s")
    page = await events(harness, reader, "?limit=2")
    seen = [event["position"] for event in page["items"]]
    while page["next"]:
        page = (await harness.client.get(page["next"], headers=reader)).json()
        seen += [event["position"] for event in page["items"]]
    assert seen == [1, 2, 3, 4, 5]
    assert (page["position"], (await events(harness, reader, "?after=99"))["position"]) == (5, 99)


async def test_types_are_chosen_and_the_rest_is_skipped(harness: Harness, reader: dict[str, str]) -> None:
    level = inventory.StockLevel(sku="A", on_hand=1, reserved=0, available=1)
    await harness.deliver(opened("c-1"), subject="c-1")
    await harness.deliver(level, subject="A")
    await harness.deliver(opened("c-2"), subject="c-2")
    page = await events(harness, reader, "?type=inventory.stock_level.v1")
    assert [event["position"] for event in page["items"]] == [2]
    assert (page["position"], page["next"]) == (3, None)
    both = await events(harness, reader, "?type=inventory.stock_level.v1&type=cart.opened.v1")
    assert len(both["items"]) == 3


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?type=order.lost.v1", "/query/type"),
        ("?type=notification.send.v1", "/query/type"),
        ("?after=-1", "/query/after"),
        ("?after=9999999999999999999", "/query/after"),
        ("?limit=0", "/query/limit"),
        ("?page=2", "/query/page"),
    ],
)
async def test_bad_questions_are_named(harness: Harness, reader: dict[str, str], query: str, pointer: str) -> None:
    answer = await harness.client.get(f"/api/v1/events{query}", headers=reader)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_the_feed_is_for_those_who_may_read_it(harness: Harness) -> None:
    for path in ("/api/v1/events", "/api/v1/event-types"):
        assert (await harness.client.get(path)).status_code == 401
        assert (await harness.client.get(path, headers=harness.bearer(new_id()))).status_code == 403


async def test_every_event_type_is_described(harness: Harness, reader: dict[str, str]) -> None:
    answer = await harness.client.get("/api/v1/event-types", headers=reader)
    types = {each["type"]: each for each in answer.json()["items"]}
    assert types.keys() == {type_ for type_, message in MESSAGES.items() if message.KIND == "event"}
    assert types["order.placed.v1"]["source"] == "order"
    assert "cart_version" in types["order.placed.v1"]["data_schema"]["properties"]


@asynccontextmanager
async def following(harness: Harness, headers: dict[str, str], query: str = "") -> AsyncIterator[Any]:
    """An open stream: call what it gives for the next event. The test client cannot read answers that never end."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    raw = [(b"accept", b"text/event-stream"), *((k.lower().encode(), v.encode()) for k, v in headers.items())]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/events",
        "raw_path": b"/api/v1/events",
        "root_path": "",
        "query_string": query.encode(),
        "headers": raw,
        "client": ("127.0.0.1", 1),
        "server": ("soko", 80),
    }
    asked = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked.is_set():
            await asyncio.Event().wait()
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await chunks.put(message["body"])

    waiting: list[str] = []

    async def next_event() -> tuple[str, Any]:
        while not waiting:
            told = (await asyncio.wait_for(chunks.get(), 5)).decode().split("\n\n")
            waiting.extend(each for each in told if each.startswith("id: "))
        lines = waiting.pop(0).splitlines()
        return lines[0].removeprefix("id: "), orjson.loads(lines[2].removeprefix("data: "))

    task = asyncio.create_task(harness.service.app(scope, receive, send))
    try:
        yield next_event
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_tells_what_was_and_goes_on_with_what_happens(harness: Harness, reader: dict[str, str]) -> None:
    await harness.deliver(opened("c-1"), subject="c-1")
    async with following(harness, reader) as next_event:
        id_, event = await next_event()
        assert (id_, event["subject"]) == ("1", "c-1")
        await harness.deliver(opened("c-2"), subject="c-2")
        id_, event = await next_event()
        assert (id_, event["subject"], event["position"]) == ("2", "c-2", 2)


async def test_a_stream_is_taken_up_where_it_broke_off(harness: Harness, reader: dict[str, str]) -> None:
    await harness.deliver(*(opened(f"c-{n}") for n in range(3)), subject="s")
    async with following(harness, {**reader, "Last-Event-ID": "2"}, "after=0") as next_event:
        assert (await next_event())[0] == "3"


async def test_a_stream_of_some_types_leaves_the_others_out(harness: Harness, reader: dict[str, str]) -> None:
    async with following(harness, reader, "type=inventory.stock_level.v1") as next_event:
        await harness.deliver(opened("c-1"), subject="c-1")
        level = inventory.StockLevel(sku="A", on_hand=1, reserved=0, available=1)
        await harness.deliver(level, subject="A")
        assert (await next_event())[0] == "2"


class Counting:
    """A pool that counts the questions about the feed."""

    def __init__(self, pool: Any) -> None:
        self._pool, self.asked = pool, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    async def fetch(self, sql: str, *values: Any) -> Any:
        self.asked += " feed " in sql
        return await self._pool.fetch(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        self.asked += " feed" in sql
        return await self._pool.fetchval(sql, *values)


async def test_fifty_who_follow_ask_no_more_than_one(
    harness: Harness, reader: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.deliver(opened("c-1"), subject="c-1")
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(following(harness, reader)) for _ in range(50)]
        assert [(await each())[0] for each in followers] == ["1"] * 50
        pool = Counting(harness.service.database.pool)
        monkeypatch.setattr(harness.service.database, "_pool", pool)
        await harness.deliver(*(opened(f"c-{n}") for n in range(8)), subject="s")
        for each in followers:
            assert [(await each())[0] for _ in range(8)] == ["2", "3", "4", "5", "6", "7", "8", "9"]
        assert 0 < pool.asked < 50


@pytest.mark.parametrize("held", [0, 1500, tail.HELD_BYTES])
async def test_wherever_one_takes_it_up_nothing_is_left_out_or_said_twice(
    harness: Harness, reader: dict[str, str], monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr(tail, "HELD_BYTES", held)
    monkeypatch.setattr(tail, "TOLD_AT_ONCE", 3)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(following(harness, reader))
        await harness.deliver(*(opened(f"c-{n}") for n in range(10)), subject="s")
        assert [(await first())[0] for _ in range(10)] == [str(n) for n in range(1, 11)]
        places = {n: {**reader, "Last-Event-ID": str(n)} for n in range(12)}
        others = {n: await stack.enter_async_context(following(harness, place)) for n, place in places.items()}
        await harness.deliver(*(opened(f"d-{n}") for n in range(5)), subject="t")
        for after, each in others.items():
            assert [(await each())[0] for _ in range(15 - after)] == [str(n) for n in range(after + 1, 16)]


async def test_what_comes_faster_than_one_look_takes_is_told_whole(
    harness: Harness, reader: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "AT_ONCE", 4)
    for followers in (1, 3):
        async with AsyncExitStack() as stack:
            all_of_them = [await stack.enter_async_context(following(harness, reader)) for _ in range(followers)]
            for round_ in range(3):
                await harness.deliver(*(opened(f"c-{n}") for n in range(7)), subject=f"s-{followers}-{round_}")
            told = 21 * (1 if followers == 1 else 2)
            for each in all_of_them:
                assert [(await each())[0] for _ in range(told)] == [str(n) for n in range(1, told + 1)]
