"""``soko verify``, as an operator runs it."""

import asyncio
import json
import os
import sys
import tempfile

from past import Past
from planted import PLANTED, Planted
from soko.services import variable


async def test_the_command_names_what_is_broken_and_ends_with_1(past: Past) -> None:
    """Exit code 0 for a whole shop, 1 for a broken one, 2 where not everything could be looked at."""
    code, output = await command(past.urls, "--wait", "5")
    assert (code, "all of them hold" in output) == (0, True), output
    async with past.with_(next(each for each in PLANTED if each.rule == "ledgers agree")) as broken:
        code, output = await command(broken, "--wait", "5")
        assert code == 1, output
        assert "ledgers agree: broken" in output
        assert f"order {past.things['paid']}, payment {past.things['paid_payment']}" in output
        code, output = await command(broken, "--json")
        assert (code, json.loads(output)["rules"]["ledgers agree"]) == (1, 1)
    unsent = "insert into webhooks (event_id, body, due_at) values (1, '', now())"
    async with past.with_(Planted("", "cardsim", unsent, "")) as busy:
        code, output = await command(busy)
    assert (code, "all of them hold" in output) == (2, True), output


async def command(urls: dict[str, str], *more: str) -> tuple[int, str]:
    """``soko verify`` beside these databases: its exit code and what it says."""
    given = {variable(name, "DATABASE_URL"): url for name, url in urls.items()}
    with tempfile.TemporaryDirectory(prefix="soko-verify-") as home:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "soko", "verify", *more),
            env={**os.environ, "SOKO_ENV": "development", "SOKO_HOME": home, **given},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
