"""The oracle finds each kind of breach: one is planted in a real shop's databases, and it is named."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from chassis.world import uuid7
from past import Past
from planted import PLANTED, Planted
from shopping import OpenShop, Person
from soko.oracle import RULES, Breach, breaches, rest, unrest, verify


async def test_a_shop_at_rest_has_no_breach_and_every_rule_was_looked_at(past: Past) -> None:
    report = await verify(past.urls)
    assert report.breaches == []
    assert set(report.checked) == set(RULES)
    assert report.orders == 6


def test_every_rule_has_a_breach_that_is_planted() -> None:
    assert {planted.rule for planted in PLANTED} == set(RULES)


@pytest.mark.parametrize("planted", PLANTED, ids=[f"{n}-{each.rule}" for n, each in enumerate(PLANTED)])
async def test_a_planted_breach_is_found_and_named(planted: Planted, past: Past) -> None:
    async with past.with_(planted) as urls:
        found = [breach for breach in await breaches(urls) if breach.rule == planted.rule]
    names = planted.names.format_map(past.things)
    assert any(names in said(breach) and breach.rows for breach in found), list(map(said, found))


async def test_it_counts_what_it_does_not_name(past: Past) -> None:
    many = "insert into refunds select '{other}' || n, '{paid}', 'SO-1', 'p', 1, 'KES', 'r', 'failed', 1, now(), now() "
    async with past.with_(Planted("", "order", many + "from generate_series(1, 250) n", "")) as urls:
        report = await verify(urls)
    assert report.counts == {"replay equals live": 250}
    assert len(report.breaches) == 100


async def test_it_changes_nothing(past: Past) -> None:
    before = [await _checksum(url) for url in past.urls.values()]
    await verify(past.urls)
    assert [await _checksum(url) for url in past.urls.values()] == before


async def _checksum(url: str) -> Any:
    """Every table of the database with its rows, and no other table."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
        sums = "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {} t"
        names = [row["tablename"] for row in tables]
        return [(name, await connection.fetchrow(sums.format(name))) for name in names]
    finally:
        await connection.close()


async def test_while_people_shop_what_holds_at_any_time_is_never_broken(shop: OpenShop) -> None:
    """Each database is seen as it was at one moment, whatever happens in it meanwhile."""
    sku = await shop.product(stock=1000)
    over = asyncio.Event()

    async def shop_on(guest: Person) -> None:
        while not over.is_set():
            await guest.add(sku)
            answer = await guest.checkout(random.choice(["tok_success", "tok_declined"]), email="guest@soko.example")
            order = answer.json().get("order", answer.json())
            await guest.call("POST", f"/orders/{order['id']}/cancel", {})

    shopping = asyncio.gather(*(shop_on(shop.guest()) for _ in range(4)))
    try:
        for _ in range(3):
            assert await breaches(shop.urls, at_rest=False) == []
    finally:
        over.set()
        await shopping
    assert await shop.at_rest() == []


async def test_while_something_is_on_its_way_only_what_always_holds_is_looked_at(past: Past) -> None:
    unsent = (
        "insert into outbox (kind, message_id, type, source, subject, partitionkey, sequence, time, correlationid, "
        "causationid, data) select 'event', '{other}', 'order.delivered.v1', source, subject, partitionkey, 99, time, "
        "correlationid, causationid, data from published where type = 'order.confirmed.v1' limit 1"
    )
    async with past.with_(Planted("", "order", unsent, "")) as urls:
        assert await unrest(urls) == ["order: 1 messages to be sent"]
        report = await verify(urls, at_rest=False)
    assert await rest(past.urls, 5) == []
    assert report.breaches == []
    assert "money kept" not in report.checked


@pytest.mark.parametrize(
    ("sent_ago", "moving", "lost"),
    [(timedelta(0), ["order: 1 messages to be received"], []), (timedelta(hours=1), [], ["messages arrive"])],
    ids=["a moment ago", "an hour ago"],
)
async def test_a_message_is_on_its_way_for_a_while_and_lost_after_that(
    past: Past, sent_ago: timedelta, moving: list[str], lost: list[str]
) -> None:
    message_id = uuid7(int((datetime.now(UTC) - sent_ago).timestamp() * 1000), 0)
    sent = (
        "insert into published (id, message_id, type, source, subject, partitionkey, sequence, time, correlationid, "
        f"causationid, data) select 1000000, '{message_id}', type, source, subject, partitionkey, 99, time, "
        "correlationid, causationid, data from published where type = 'payment.captured.v1' limit 1"
    )
    async with past.with_(Planted("", "payment", sent, "")) as urls:
        assert await unrest(urls) == moving
        found = {breach.rule for breach in await breaches(urls, at_rest=not moving)}
    assert found & {"messages arrive"} == set(lost)


def said(breach: Breach) -> str:
    return f"{breach} {breach.rows}"
