"""Every table has a stated lifetime, and what should shrink shrinks."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis.fixtures import Harness, until
from chassis.jobs import SWEPT, sweep
from chassis.world import uuid7
from identity.jobs import tidy
from shopping import OpenShop
from soko.services import SERVICES, load

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lifetimes.md").read_text()
STATED = re.compile(r"^(kept for ever|one row|emptied as it is worked off|swept after )")
SHARED = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
OWN = {
    (service, table): life
    for service, table, life in re.findall(r"^\| (\w+) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
}
TABLES = "select table_name from information_schema.tables where table_schema = current_schema()"

OLD = timedelta(days=31)
YOUNG = timedelta(days=29)
PLANTED = {
    "seen": "insert into seen (message_id, subscription) values ($1, $2::timestamptz::text)",
    "done": "insert into done (id, message_id, subscription, type, key, correlationid, tries, received_at, finished_at)"
    " values (hashtextextended($1, 0), $1, 's', 't', 'k', 'c', 0, $2, $2)",
    "idempotency": "insert into idempotency (caller, route, key, body_hash, resource_id, created_at)"
    " values ('c', 'r', $1, 'h', 'i', $2)",
}
"""In every service; $1 an id of the time $2."""
TIDIED = {
    "sessions": ("id", "insert into sessions values ($1, 'u', 'd', 'a', $2, $2, $2)"),
    "authorization_codes": (
        "hash",
        "insert into authorization_codes values ($1, 'c', 'kept', 'https://c', 'openid', null, 'x', $2)",
    ),
    "refresh_tokens": ("hash", "insert into refresh_tokens values ($1, 'kept', $2, $2, null)"),
    "revocations": (
        "session_id",
        "insert into revocations (session_id, reason, at, needed_until) values ($1, 'logout', $2, $2)",
    ),
    "codes": ("hash", "insert into codes values ('u' || $1, 'email', $1, 0, $2)"),
    "reset_tokens": ("hash", "insert into reset_tokens values ($1, 'u', 'email', 'a', $2)"),
    "outside_logins": ("hash", "insert into outside_logins values ($1, 'p', null, $2)"),
    "login_failures": ("key", "insert into login_failures values ($1, 1, $2)"),
    "signing_keys": ("kid", "insert into signing_keys select 1 + max(number), $1, 'jwk', 'pem', $2 from signing_keys"),
}
"""In identity: the column that names a row, and one that ran out at $2."""


@pytest.fixture(params=SERVICES)
async def harness(request: Any, running: Callable[..., Any]) -> Any:
    """Each service in turn."""
    kind = load(request.param)
    async with running(kind.build, kind.settings) as harness:
        yield harness


async def test_every_table_has_a_stated_lifetime_and_no_other_is_stated(harness: Harness) -> None:
    service = harness.service
    there = {row["table_name"] for row in await service.database.pool.fetch(TABLES)}
    stated = SHARED | {table: life for (name, table), life in OWN.items() if name == service.name}
    assert there == stated.keys()
    assert [table for table, life in stated.items() if not STATED.match(life)] == []


def test_what_is_said_to_be_swept_is_planted_here() -> None:
    assert {table for table, life in SHARED.items() if life.startswith("swept")} == PLANTED.keys()
    swept = {(service, table) for (service, table), life in OWN.items() if life.startswith("swept")}
    assert swept == {("identity", table) for table in TIDIED}


async def test_the_sweep_deletes_what_is_old_and_nothing_else(harness: Harness) -> None:
    now = harness.clock()
    for table, sql in PLANTED.items():
        kept = timedelta(hours=23) if table == "idempotency" else YOUNG
        for age in (OLD, kept):
            at = now - age
            await harness.service.database.pool.execute(sql, uuid7(int(at.timestamp() * 1000), 1), at)
    assert await sweep(harness.service) == "deleted 1 idempotency keys, 1 done, 1 seen"
    assert await sweep(harness.service) == "deleted 0 idempotency keys, 0 done, 0 seen"
    for table in PLANTED:
        assert await harness.service.database.pool.fetchval(f"select count(*) from {table}") == 1


async def test_one_sweep_deletes_more_than_one_statement_takes(running: Callable[..., Any]) -> None:
    kind = load("cart")
    async with running(kind.build, kind.settings) as harness:
        pool, old = harness.service.database.pool, harness.clock() - OLD
        many = [(uuid7(int(old.timestamp() * 1000), number), "s") for number in range(SWEPT * 2 + 1)]
        await pool.copy_records_to_table("seen", records=many)
        assert (await sweep(harness.service)).endswith(f"{len(many)} seen")
        assert await pool.fetchval("select count(*) from seen") == 0


async def test_identity_deletes_what_nothing_can_refer_to_any_more(running: Callable[..., Any]) -> None:
    kind = load("identity")
    async with running(kind.build, kind.settings) as harness:
        pool, now = harness.service.database.pool, harness.clock()
        for table in ("sessions", "codes", "reset_tokens"):
            await pool.execute(f"alter table {table} drop constraint {table}_user_id_fkey")
        await pool.execute("alter table authorization_codes drop constraint authorization_codes_client_id_fkey")
        await pool.execute(TIDIED["sessions"][1], "kept", now + YOUNG)
        for name, age in (("old", OLD), ("newest", timedelta(days=2))):
            for _, sql in TIDIED.values():
                await pool.execute(sql, name, now - age)
        await tidy(harness.service)
        left = {
            table: [row["name"] for row in await pool.fetch(f"select {column} as name from {table}")]
            for table, (column, _) in TIDIED.items()
        }
    assert left == {
        "sessions": ["kept"],
        "authorization_codes": [],
        "refresh_tokens": [],
        "revocations": ["newest"],
        "codes": [],
        "reset_tokens": [],
        "outside_logins": [],
        "login_failures": [],
        "signing_keys": ["newest"],
    }


async def test_after_an_order_what_is_worked_off_is_empty(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product(stock=5)
    await customer.add(sku)
    assert (await customer.checkout()).status_code == 201
    await shop.quiet()
    worked = [table for table, life in SHARED.items() if life.startswith("emptied")]
    assert sorted(worked) == ["calls", "inbox", "outbox", "timers"]
    for name, service in shop.shop.services.items():
        for table in worked:
            # A timer waits until it is due, whatever became of its stream.
            due = f"select count(*) from {table}" + (" where due_at < now()" if table == "timers" else "")

            async def empty(service: Any = service, due: str = due) -> bool:
                return not await service.database.pool.fetchval(due)

            assert await until(empty), f"{name}.{table}"
