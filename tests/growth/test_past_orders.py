"""The past that the bench makes is one that the services could have had."""

import sys
from pathlib import Path

import asyncpg
import pytest
from chassis.fixtures import INTERNAL_KEY, fresh_database
from chassis.rebuild import Rebuild
from chassis.servers.postgres import EmbeddedPostgres
from chassis.service import Service
from chassis.world import World
from pydantic import SecretStr
from soko.services import load

ROOT = Path(__file__).resolve().parents[2]
GAPS = """
select count(*) from (select max(version) <> count(*) as gap from events group by stream) streams where gap
"""


async def test_views_made_anew_from_past_orders_are_the_same_and_no_stream_has_a_gap(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])  # last: folders there are called like packages
    from bench.past import ORDERS, SERVICES, Batches

    services = dict[str, Service]()
    for name in SERVICES:
        kind = load(name)
        settings = kind.settings(soko_internal_key=SecretStr(INTERNAL_KEY)).on(await fresh_database(postgres))
        services[name] = kind.build(settings, World())
        await services[name].migrate()
    told = list[int]()
    urls = {name: service.settings.database_url for name, service in services.items()}
    assert await Batches(urls).write(ORDERS + 1, told.append) == ORDERS * 2
    assert told == [ORDERS, ORDERS * 2]

    for name, service in services.items():
        assert [one.table for one in await Rebuild(service).run() if one.differed] == []
        assert await _value(urls[name], GAPS) == 0
        assert await _value(urls[name], "select count(*) from done") >= ORDERS, "of the batch of this month"
    orders = "select count(distinct number) from orders where status = 'delivered' and payment_status = 'captured'"
    assert await _value(urls["order"], orders) == ORDERS * 2
    assert await _value(urls["payment"], "select sum(captured) from payments") == await _value(
        urls["order"], "select sum(total) from orders"
    )
    assert await _value(urls["inventory"], "select sum(reserved) from stock") == 0
    assert await _value(urls["notification"], "select count(*) from unnumbered") == 0


async def _value(url: str, sql: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()
