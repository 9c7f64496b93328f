"""Real processes, real servers, a real network between them, and all that can go wrong with them while people shop.

A seed draws the schedule. ``FAULT_SEED=17 pytest tests/faults -m "not long"`` plays seed 17 again.
"""

import asyncio
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from backing import ROOM, mounted, why_no_disk
from chassis.fixtures import until
from chassis.servers.rabbit_for_tests import Broker
from chassis.servers.rabbitmq import find_server, how_to_get_one
from crowd import Crowd
from killing import shopping, stocked
from rig import Rig, rig
from schedule import Fault, draw
from seeds import FAULT_SEED
from soko.databases import on_server

LONG_SECONDS = float(os.environ.get("FAULT_SECONDS") or 3600)

BEFORE_SECONDS = 10
BACK_WITHIN = 120
MAY_BE_ASKED_AGAIN = ("503 /problems/service-unavailable", "504 /problems/upstream-timeout for ever", "409 ", "429 ")


async def shop_through(seed: int, told: Callable[[str], None]) -> str:
    """Open a shop, let the crowd in, let the seed's faults happen, and look at what is left; a line about it."""
    schedule = draw(seed)
    told(f"FAULT_SEED={seed}")
    async with rig() as shop, shopping(shop.shop) as session:
        if shop.servers.no_disk:
            told(f"no disk to fill: {shop.servers.no_disk}")
            schedule = [fault for fault in schedule if fault.kind != "disk full"]
        crowd = Crowd(session, shop.shop.url, [await stocked(session, shop.shop.url, 100_000) for _ in range(5)])
        keeping = asyncio.create_task(shop.keep())
        await crowd.come()
        try:
            line = await _suffer(shop, crowd, schedule, told)
        finally:
            keeping.cancel()
            crowd.drop()
    return f"| {seed} | {len(schedule)} | {line} |"


async def _suffer(shop: Rig, crowd: Crowd, schedule: list[Fault], told: Callable[[str], None]) -> str:
    await asyncio.sleep(2 * BEFORE_SECONDS)
    before = crowd.rate(BEFORE_SECONDS)
    assert before, "nobody buys, and nothing is broken yet"
    await shop.suffer(schedule, told)
    ended = time.monotonic()

    async def is_back() -> bool:
        crowd.check()
        return crowd.rate(BEFORE_SECONDS) >= before / 2

    await until(is_back, BACK_WITHIN)
    back = time.monotonic() - ended
    await crowd.leave()
    left = time.monotonic()
    breaches = await shop.shop.at_rest()
    rested = time.monotonic() - left
    told(f"asked again: {dict(crowd.put_off.most_common())}")
    assert breaches == []
    assert not [why for why in crowd.put_off if why[:1].isdigit() and not why.startswith(MAY_BE_ASKED_AGAIN)]
    assert [order for order, times in Counter(crowd.orders).items() if times > 1] == []
    assert await placed(shop.servers.state()["postgresql"]["url"]) == set(crowd.orders)
    return (
        f"{len(crowd.orders)} | {sum(crowd.put_off.values())} | {before:.1f} | {back:.0f} | {rested:.0f} "
        f"| {len(breaches)}"
    )


async def placed(server: str) -> set[str]:
    """Every order there is."""
    connection = await asyncpg.connect(on_server(server, "order"))
    try:
        rows: list[Any] = await connection.fetch("select stream from events where type = 'placed.v1'")
    finally:
        await connection.close()
    return {row["stream"].removeprefix("order-") for row in rows}


@pytest.fixture
def own_broker(rabbit: Broker) -> None:
    """A RabbitMQ that can be killed (installed now, where it may be) and cut off, or a skip with the reason."""
    if not Path("/proc/net/tcp").exists():
        pytest.skip("whose a connection is, only Linux tells")
    if find_server() is None:
        pytest.skip(f"A broker that is given cannot be killed. {how_to_get_one()}")


def test_a_disk_that_can_be_filled_is_to_be_had(tmp_path: Path) -> None:
    if reason := why_no_disk(tmp_path):
        pytest.skip(f"no full disk among the faults: {reason}")
    seen = subprocess.run([*mounted(tmp_path), "df", "-B1", "--output=size", str(tmp_path)], capture_output=True)
    assert int(seen.stdout.split()[1]) == ROOM


@pytest.mark.usefixtures("own_broker")
@pytest.mark.parametrize("seed", [FAULT_SEED], ids=[f"FAULT_SEED={FAULT_SEED}"])
async def test_nothing_is_lost_doubled_or_stuck_whatever_breaks(seed: int) -> None:
    print(await shop_through(seed, print))


@pytest.mark.long
@pytest.mark.usefixtures("own_broker")
async def test_an_hour_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    def told(what: str) -> None:
        with capsys.disabled():
            print(what, flush=True)

    began, seed = time.monotonic(), FAULT_SEED
    while time.monotonic() - began < LONG_SECONDS:
        told(await shop_through(seed, print))
        seed += 1
