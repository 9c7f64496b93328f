"""``soko audit verify``, as an operator runs it."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signing_in import demo
from soko.services import CARDSIM, SERVICES, variable


async def test_the_command_says_what_to_keep_and_names_what_was_changed(
    running: Callable[..., Any], tmp_path: Path
) -> None:
    async with demo(running) as shop:
        code, said = await command(shop.service.settings.database_url, tmp_path)
        assert (code, "3 security events hold. Keep this: 3:" in said) == (0, True), said
        code, said = await command(shop.service.settings.database_url, tmp_path, "--kept", f"3:{'0' * 64}")
        assert (code, "written anew" in said) == (1, True), said
        code, said = await command(shop.service.settings.database_url, tmp_path, "--kept", "three")
        assert (code, "is not like" in said) == (2, True), said


async def command(url: str, home: Path, *more: str) -> tuple[int, str]:
    """Its exit code and what it says."""
    urls = {variable(name, "DATABASE_URL"): url for name in (*SERVICES, CARDSIM)}  # the others are not looked at
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "soko", "audit", "verify", *more),
        env={**os.environ, "SOKO_ENV": "development", "SOKO_HOME": str(home), **urls},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
