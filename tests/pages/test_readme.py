"""What the README says is so: its lines buy something, and are answered as it shows."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from chassis.servers.postgres import EmbeddedPostgres
from door import open_door
from soko.seeding import seed_catalog

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CHANGING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z")
"""Ids and times: others in each run."""


def block(after: str) -> str:
    """The first block of code after this text."""
    found = re.search(r"```\w*\n(.*?)```", README.partition(after)[2], re.DOTALL)
    assert found
    return found[1]


def shows(shown: str, answer: str) -> bool:
    """Whether ``shown`` is ``answer``, shortened at each ``…``."""
    parts = [re.escape(part) for part in CHANGING.sub("*", shown).split("…")]
    return re.fullmatch(".*".join(parts), CHANGING.sub("*", answer)) is not None


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
async def test_the_lines_of_the_readme_are_answered_as_it_shows(postgres: EmbeddedPostgres) -> None:
    async with open_door(postgres) as door:
        await seed_catalog(door.shop.shop.services["catalog"], 1000, lambda done, total: None)
        await door.shop.at_rest()
        lines = block("Log in, look").replace("http://127.0.0.1:8000", door.url)
        bought = await asyncio.create_subprocess_exec("sh", "-ec", lines, stdout=asyncio.subprocess.PIPE)
        answers = (await bought.communicate())[0].decode().splitlines()
    shown = block("What they answered").splitlines()
    assert len(answers) == len(shown) == 4
    for said, answer in zip(shown, answers, strict=True):
        assert shows(said, answer), f"{said}\n{answer}"


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_the_readme_links_to_is_there(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)`", README))))
def test_the_readmes_targets_are_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
