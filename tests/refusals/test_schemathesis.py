"""Schemathesis on the merged document: what it makes up from the document is answered as the document says."""

import asyncio
import copy
import json
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cast import Cast, gathered, listening
from chassis.servers.postgres import EmbeddedPostgres
from shopping import Person, open_shop
from surface import document, public

SEED = int(os.environ.get("SCHEMATHESIS_SEED") or random.SystemRandom().randrange(10_000))
SECONDS = int(os.environ.get("SCHEMATHESIS_SECONDS") or 20)
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ENDS_THE_SESSION = ("logout", "end_other_sessions", "end_session")
"""Left out: after them every answer would be a 401."""


@pytest.fixture(scope="module")
async def besieged(postgres: EmbeddedPostgres) -> AsyncIterator[Cast]:
    """A cast in a shop of their own: nobody knows what becomes of it."""
    async with open_shop(postgres) as shop:
        yield await gathered(shop)


@pytest.mark.parametrize(
    "role", ["owner", "staff"], ids=[f"SCHEMATHESIS_SEED={SEED} {role}" for role in ("owner", "staff")]
)
async def test_every_answer_is_one_that_the_document_tells(role: str, besieged: Cast) -> None:
    person = besieged.person(role)
    async with listening(besieged.shop) as url:
        status, output = await schemathesis(url, person, about(besieged))
        print(output)
    assert status == 0, output
    assert (await person.call("GET", "/users/me")).status_code == 200, "the session ended on the way"


def about(cast: Cast) -> dict[str, Any]:
    """The document, with examples of things that there are: else all that is found would be nothing."""
    known = copy.deepcopy(document())
    for endpoint in public():
        parts = endpoint.path.strip("/").split("/")
        found = cast.path(endpoint).strip("/").split("/")
        real = {part.strip("{}"): there for part, there in zip(parts, found, strict=True) if part != there}
        for each in known["paths"][endpoint.path][endpoint.method.lower()].get("parameters", ()):
            if each["in"] == "path":
                each["example"] = real[each["name"]]
            elif each["name"] == "If-Match":
                each["schema"]["examples"] = ["*"]
    return known


async def schemathesis(url: str, person: Person, known: dict[str, Any]) -> tuple[int, str]:
    """A bounded run with this person's token; its exit status and what it says."""
    folder = Path(tempfile.mkdtemp(prefix="schemathesis-"))
    told = folder / "openapi.json"
    told.write_text(json.dumps(known))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(told), "--url", url]
    command += ["--header", f"Authorization: {person.headers['Authorization']}"]
    command += ["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", str(SEED)]
    command += ["--max-time", str(SECONDS), "--continue-on-failure", "--request-timeout", "30", "--no-color"]
    command += ["--generation-database", "none", "--warnings", "off", "--no-shrink"]
    for operation_id in ENDS_THE_SESSION:
        command += ["--exclude-operation-id", operation_id]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()
