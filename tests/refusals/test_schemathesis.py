"""Schemathesis on the merged document: what it makes up from the document is answered as the document says.

Each role in turn, with ids of things that there are, one request after the other and as chains of requests: what one
answered, the next one asks about. ``SCHEMATHESIS_SEED`` draws other requests, ``SCHEMATHESIS_SECONDS`` more of them.
"""

import asyncio
import copy
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cast import Cast, account, gathered, listening
from chassis.servers.postgres import EmbeddedPostgres
from relying import trusted
from seeds import SCHEMATHESIS_SEED
from shopping import Person, open_shop
from surface import JSON, document, public

SECONDS = int(os.environ.get("SCHEMATHESIS_SECONDS") or 16)
LONG_SECONDS = int(os.environ.get("SCHEMATHESIS_SECONDS") or 600)
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,allow_header_conformance,unsupported_method,missing_required_header,use_after_free"
)
SINGLY, CHAINED = "examples,coverage,fuzzing", "stateful"
"""One request after the other, made of the schemas; or chains of them, by the ids that answers hold."""
BRIEF = (
    ("nobody", SINGLY),
    ("guest", SINGLY),
    ("owner", SINGLY),
    ("owner", CHAINED),
    ("staff", CHAINED),
    ("admin", CHAINED),
)
LONG = [
    (role, phases) for role in ("nobody", "guest", "owner", "client", "staff", "admin") for phases in (SINGLY, CHAINED)
]
ENDS_THE_SESSION = ("logout", "end_other_sessions", "end_session", "change_user", "change_password")
"""Left out: after them every answer would be a 401. Administrators find their own account, and lock it."""
BRACED = re.compile(r"{(\w+)}")


def named(run: tuple[str, str]) -> str:
    return f"SCHEMATHESIS_SEED={SCHEMATHESIS_SEED} {' '.join(run)}"


@pytest.fixture(scope="module")
async def besieged(postgres: EmbeddedPostgres) -> AsyncIterator[Cast]:
    """A cast in a shop of their own: nobody knows what becomes of it."""
    async with open_shop(postgres) as shop:
        yield await gathered(shop)


@pytest.mark.parametrize(("role", "phases"), BRIEF, ids=map(named, BRIEF))
async def test_every_answer_is_one_that_the_document_tells(role: str, phases: str, besieged: Cast) -> None:
    await besiege(role, phases, besieged, SECONDS)


@pytest.mark.long
@pytest.mark.parametrize(("role", "phases"), LONG, ids=map(named, LONG))
async def test_every_answer_is_one_that_the_document_tells_for_long(role: str, phases: str, besieged: Cast) -> None:
    await besiege(role, phases, besieged, LONG_SECONDS)


async def besiege(role: str, phases: str, cast: Cast, seconds: int) -> None:
    async with fresh(role, cast) as person:
        async with listening(cast.shop) as url:
            status, output = await schemathesis(url, person, about(cast), phases, seconds)
            print(output)
        assert status == 0, output
        if "Authorization" in person.headers:
            assert (await person.call("GET", "/orders")).status_code == 200, "the session ended on the way"


@asynccontextmanager
async def fresh(role: str, cast: Cast) -> AsyncIterator[Person]:
    """The person, with a token that lives as long as the siege; ``client`` is an application that has the admin's."""
    if role == "client":
        async with trusted(cast.shop) as person:
            yield person
    elif role == "owner":
        # Whoever besieged the shop before guessed at this account's password too.
        await cast.shop.shop.services["identity"].database.pool.execute("delete from login_failures")
        yield await cast.shop.login(cast.things["email"])
    else:
        yield await account(cast.shop, role) if role in ("staff", "admin") else cast.person(role)


def about(cast: Cast) -> dict[str, Any]:
    """The document, with ids and bodies of things that there are: else all that is found would be nothing."""
    known = copy.deepcopy(document())
    for endpoint in public():
        said = known["paths"][endpoint.path][endpoint.method.lower()]
        real = parts(endpoint.path, cast.path(endpoint))
        for each in said.get("parameters", ()):
            if each["in"] == "path":
                each["example"] = real[each["name"]]
                each["schema"] = or_real(each["schema"], real[each["name"]])
            elif each["name"] == "If-Match":
                each["schema"]["examples"] = ["*"]
        if endpoint.body is not None and "examples" in endpoint.body:
            said["requestBody"]["content"][JSON]["example"] = cast.body(endpoint)
    for schema in known["components"]["schemas"].values():
        for name, value in schema.get("properties", {}).items():
            if name in cast.things and value.get("type") == "string":
                schema["properties"][name] = or_real(value, cast.things[name])
    return known


def parts(path: str, there: str) -> dict[str, str]:
    """What stands in ``there`` for each name in ``path``, be it a whole segment or, as ``{size}.webp``, some of one."""
    pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(BRACED.split(path)))
    found = re.fullmatch(pattern, there)
    assert found is not None, (path, there)
    return found.groupdict()


def or_real(schema: dict[str, Any], there: str) -> dict[str, Any]:
    """Anything that the schema allows, and what there is."""
    return {"anyOf": [{"enum": [there]}, schema]}


async def schemathesis(url: str, person: Person, known: dict[str, Any], phases: str, seconds: int) -> tuple[int, str]:
    """A bounded run as this person; its exit status and what it says."""
    folder = Path(tempfile.mkdtemp(prefix="schemathesis-"))
    told = folder / "openapi.json"
    told.write_text(json.dumps(known))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(told), "--url", url]
    for name, value in person.headers.items():
        command += ["--header", f"{name}: {value}"]
    command += ["--checks", CHECKS, "--phases", phases, "--seed", str(SCHEMATHESIS_SEED)]
    command += ["--max-time", str(seconds), "--continue-on-failure", "--request-timeout", "30", "--no-color"]
    command += ["--generation-database", "none", "--warnings", "off", "--no-shrink"]
    if phases == CHAINED:
        command += ["--mode", "positive"]  # what is refused leads nowhere
    for operation_id in ENDS_THE_SESSION:
        command += ["--exclude-operation-id", operation_id]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()
