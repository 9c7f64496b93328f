"""kill -9 of each part while a hundred checkouts run: every accepted order settles, and what always holds does hold."""

import asyncio
import os
import random

import pytest
from chassis.fixtures import until
from chassis.servers.rabbit_for_tests import Broker
from killing import RunningShop, buy, remove, shopping, stocked
from seeds import KILL_SEED
from soko.services import CARDSIM, GATEWAY, SERVICES

CHECKOUTS = 100
IN_ONE = ("shop", "postgresql")
PROCESSES = (*SERVICES, CARDSIM, GATEWAY, "postgresql", "rabbitmq")
VICTIMS = [("run", name) for name in IN_ONE] + [("processes", name) for name in PROCESSES]

DRAWN = random.Random(KILL_SEED).sample(VICTIMS, 2)


async def kill_while_they_buy(mode: str, victim: str) -> None:
    if victim == "rabbitmq" and os.environ.get("RABBITMQ_URL"):
        pytest.skip("a broker that is given cannot be killed")
    shop = RunningShop.start(mode)
    try:
        async with shopping(shop) as session:
            sku = await stocked(session, shop.url, CHECKOUTS * 2)
            crowd = [asyncio.create_task(buy(session, shop.url, sku)) for _ in range(CHECKOUTS)]

            async def half_way() -> bool:
                return sum(task.done() for task in crowd) >= CHECKOUTS // 10

            await until(half_way)
            await shop.kill(victim)
            orders = await asyncio.gather(*crowd)
            assert len(set(orders)) == CHECKOUTS
        assert await shop.at_rest() == []
    except BaseException:
        print((shop.home / "shop.log").read_text()[-5000:])
        raise
    finally:
        shop.stop()
    remove(shop)


@pytest.fixture
def broker_if_needed(rabbit: Broker) -> None:
    """Asks for a RabbitMQ (and installs it where it may), or skips with the reason."""
    assert rabbit.url


@pytest.mark.usefixtures("broker_if_needed")
@pytest.mark.parametrize(
    ("mode", "victim"), DRAWN, ids=[f"KILL_SEED={KILL_SEED}-{mode}-{name}" for mode, name in DRAWN]
)
async def test_kill_minus_nine_of_what_the_seed_drew(mode: str, victim: str) -> None:
    await kill_while_they_buy(mode, victim)


@pytest.mark.long
@pytest.mark.usefixtures("broker_if_needed")
@pytest.mark.parametrize(("mode", "victim"), VICTIMS, ids=[f"{mode}-{name}" for mode, name in VICTIMS])
async def test_kill_minus_nine_of_each_part(mode: str, victim: str) -> None:
    await kill_while_they_buy(mode, victim)
