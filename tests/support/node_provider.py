"""npm's `oidc-provider` for the tests: installed once into a cache, started as a process, its pages walked.

Without node and npm, or without what npm has to fetch, tests that need it are skipped and say why.
"""

import asyncio
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

PACKAGE = "oidc-provider@9.13.3"
SCRIPT = Path(__file__).parents[1] / "providers" / "provider.mjs"


def installed() -> Path:
    """The folder with the package. Skips the test where it cannot be had."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soko-tests"
    folder = cache / PACKAGE
    if folder.exists():
        return folder
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=cache))
    asked = ("npm", "install", PACKAGE, "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        done = subprocess.run(asked, cwd=fresh, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install {PACKAGE}: {done.stderr.strip()[-300:]}")
        # Whoever was first has it; two at once install the same.
        if not folder.exists():
            fresh.rename(folder)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGE} within five minutes")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


@asynccontextmanager
async def node_provider(client: dict[str, Any]) -> AsyncIterator[str]:
    """The issuer of a running one, which knows this client."""
    folder = await asyncio.to_thread(installed)
    command = ("node", str(SCRIPT), str(folder), json.dumps(client))
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=nowhere)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            issuer = (await process.stdout.readline()).decode().strip()
        assert issuer, "it ended without a word"
        yield issuer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def walked(url: str, who: str, back: str) -> httpx.URL:
    """The address that somebody's browser is sent to in the end: they log in there as ``who``, and agree to all."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
        for _ in range(20):
            if answer.is_redirect:
                there = urljoin(str(answer.url), answer.headers["location"])
                if there.startswith(back):
                    return httpx.URL(there)
                answer = await browser.get(there)
                continue
            assert answer.status_code == 200, answer.text
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert action, answer.text
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', answer.text))
            if 'name="login"' in answer.text:
                fields |= {"login": who, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), html.unescape(action[1])), data=fields)
    raise AssertionError("it does not come to an end")
