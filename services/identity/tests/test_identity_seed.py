"""Accounts made from the command line."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from chassis.decider import Refused
from chassis.fixtures import Harness
from chassis.http import Problem
from identity import seed
from identity.service import build
from identity.settings import IdentitySettings
from signing_in import demo, login


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def test_demo_accounts_are_made_once(shop: Harness) -> None:
    assert await seed.demo_accounts(shop.service) == []  # type: ignore[arg-type]
    roles = [(await login(shop, who))["user"]["role"] for who in ("admin", "staff", "customer")]
    assert roles == ["admin", "staff", "customer"]


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_demo_accounts_are_refused_where_real_customers_are(
    running: Callable[..., Any], environment: str
) -> None:
    async with running(build, IdentitySettings, soko_env=environment) as shop:
        with pytest.raises(Refused) as refused:
            await seed.demo_accounts(shop.service)
        assert refused.value.slug == "demo-data"
        assert await shop.service.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_the_first_administrator_comes_from_the_command_line(running: Callable[..., Any]) -> None:
    async with running(build, IdentitySettings, soko_env="production") as shop:
        await seed.create_admin(shop.service, "Boss@Soko.example", "a long sentence")
        tokens = await login(shop, "boss", "a long sentence")
        assert jwt.decode(tokens["access_token"], options={"verify_signature": False})["role"] == "admin"
        for email, password in (
            ("boss@soko.example", "a long sentence"),
            ("x@soko.example", "short"),
            ("x", "long enough"),
        ):
            with pytest.raises(Problem):
                await seed.create_admin(shop.service, email, password)
