"""Whatever is wrong with a request, the answer says what, in one form, and nothing of it has happened."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg
import httpx
import pytest
from breaking.bodies import broken_bodies
from breaking.case import Case
from breaking.fields import broken_fields
from breaking.heads import broken_headers, broken_paths
from breaking.queries import broken_queries
from cast import Cast
from chassis.http.problems import MEDIA_TYPE, PROBLEMS
from chassis.world import new_id
from gateway.routes import OPERATORS
from shopping import Person
from surface import Endpoint, public

CODE = ("Traceback", 'File "', "asyncpg", "sqlalchemy", "pydantic", "Exception", "SELECT ", "0x7f")
"""What no answer shows."""

AT_THE_DOOR = {405, 413}
"""What every path may answer, before any operation is asked."""

TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"
SUM = "select count(*) || '/' || coalesce(sum(hashtextextended(t::text, 0)), 0) from \"{0}\" t"
OF_ITSELF = {"changes", "done", "jobs", "sessions", "timers"}
"""Tables that change by what runs by itself, be it a timer that falls due or a new connection, or by who is let in."""

WITH_BODY = [each for each in public() if each.body is not None and "webhooks" not in each.path]
BULK = next(each for each in public() if each.operation_id == "import_products")
WEBHOOK = next(each for each in public() if "webhooks" in each.path)


OPEN = {"end_provider_login"}
"""Where others send people: what they add to our parameters is theirs."""
UNKNOWN = {"?surprise=1", "?surprise", "?a/b~c"}

INSTEAD_OF = {
    "variants": ("sku", "options", "initial_stock"),
    "category_ids": ("category_id",),
    "address_id": ("shipping_address",),
    "variant_id": ("sku",),
}
"""Fields that stand for others, which must not be there too."""


def good(cast: Cast, endpoint: Endpoint) -> dict[str, Any]:
    """A body with all its fields right. Amounts are for staff to name: they pay without an order."""
    if endpoint.operation_id == "create_payment":
        amount = {"amount": "10.00", "currency": "KES"}
        return {"method": "card", "token": "tok_success", "amount": amount, "reference": "R-1"}
    body: dict[str, Any] = cast.body(endpoint)
    return body


def caller(cast: Cast, endpoint: Endpoint) -> Person:
    """Somebody who may."""
    return cast.admin if ":" in endpoint.access or endpoint.operation_id == "create_payment" else cast.owner


async def send(cast: Cast, endpoint: Endpoint, case: Case) -> httpx.Response:
    """The broken request."""
    headers: dict[str, Any] = {**caller(cast, endpoint).headers}
    if any(each["name"] == "Idempotency-Key" and each["required"] for each in endpoint.those_in("header")):
        headers["Idempotency-Key"] = new_id()
    headers |= case.headers
    if case.name == "no key":
        del headers["Idempotency-Key"]
    content: Any = case.content
    if content is None and endpoint.body is not None:
        content = json.dumps(good(cast, endpoint)).encode()
        headers["Content-Type"] = "application/json"
    if case.chunked:
        content = _in_pieces(case.content or b"")
    path = cast.path(endpoint, **case.path)
    url = f"{path}?{case.query}" if case.query else path
    return await cast.shop.door.request(endpoint.method, url, content=content, headers=headers)


async def _in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 64 * 1024):
        yield content[start : start + 64 * 1024]


def faults(endpoint: Endpoint, case: Case, answer: httpx.Response) -> Iterable[str]:
    """What is wrong with an answer that should be a refusal."""
    if answer.status_code not in case.statuses:
        yield f"answers {answer.status_code} {answer.text[:200]}"
        return
    if answer.headers["content-type"] != MEDIA_TYPE:
        yield f"is {answer.headers['content-type']}"
        return
    problem = answer.json()
    kind = PROBLEMS.get(problem["type"].removeprefix("/problems/"))
    if kind is None or (kind.status, kind.title) != (answer.status_code, problem["title"]):
        yield f"has a type that is not in the registry: {problem['type']}"
        return
    if problem["status"] != answer.status_code or not problem["detail"]:
        yield "contradicts itself"
    if not problem["request_id"] or problem["request_id"] != answer.headers["x-request-id"]:
        yield "has another request id than its header"
    if missing := [name for name in kind.headers if name not in answer.headers]:
        yield f"comes without {missing}"
    if answer.status_code not in AT_THE_DOOR and problem["type"] not in endpoint.refusals(answer.status_code):
        yield f"is a {answer.status_code} {problem['type']}, which the document does not say"
    if problem["type"] == "/problems/validation":
        pointers = [each["pointer"] for each in problem.get("errors", ())]
        if not pointers or not all(each["detail"] for each in problem["errors"]):
            yield "names no field"
        elif case.pointer is not None and not any(pointer.startswith(case.pointer) for pointer in pointers):
            yield f"points at {pointers}"
    if found := [each for each in CODE if each in answer.text]:
        yield f"shows {found}: {answer.text[:300]}"


async def stored(cast: Cast, service: str) -> dict[str, str]:
    """What the service's database holds, table by table; for operators that of the order service, which they ask."""
    connection = await asyncpg.connect(cast.shop.urls["order" if service == OPERATORS else service])
    try:
        names = [row[0] for row in await connection.fetch(TABLES) if row[0] not in OF_ITSELF]
        return {name: await connection.fetchval(SUM.format(name)) for name in names}
    finally:
        await connection.close()


async def refused(cast: Cast, endpoint: Endpoint, cases: Iterable[Case]) -> None:
    """All of them are, and the service's tables are as they were."""
    await cast.shop.quiet()
    before, wrong, count = await stored(cast, endpoint.service), [], 0
    for case in cases:
        count += 1
        answer = await send(cast, endpoint, case)
        wrong += [f"{case.name}: {fault}" for fault in faults(endpoint, case, answer)]
    print(f"{endpoint}: {count} requests")
    assert not wrong, "\n".join(wrong)
    assert await stored(cast, endpoint.service) == before


def as_a_whole(endpoint: Endpoint, body: Any, cases: Iterable[Case]) -> Iterable[Case]:
    """Without those that are no fault of the whole body: an import's rows may stand alone, and fail one by one."""
    if endpoint != BULK:
        return cases
    return (case for case in cases if not in_a_row(case) and case.content != json.dumps([body]).encode())


def in_a_row(case: Case) -> bool:
    return (case.pointer or "").startswith("/items/0/")


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
async def test_a_body_that_cannot_be_read_is_refused(endpoint: Endpoint, cast: Cast) -> None:
    body = good(cast, endpoint)
    await refused(cast, endpoint, as_a_whole(endpoint, body, broken_bodies(endpoint, body)))


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
async def test_a_field_that_is_wrong_is_named(endpoint: Endpoint, cast: Cast) -> None:
    body = good(cast, endpoint)
    await refused(cast, endpoint, as_a_whole(endpoint, body, broken_fields(endpoint, body, INSTEAD_OF)))


async def test_a_row_of_an_import_that_is_wrong_fails_and_its_field_is_named(cast: Cast) -> None:
    body, before, wrong = good(cast, BULK), await stored(cast, BULK.service), []
    for case in broken_fields(BULK, body, {}):
        if not in_a_row(case):
            continue
        answer = await send(cast, BULK, case)
        assert answer.status_code == 200, f"{case.name}: {answer.text}"
        row = answer.json()["rows"]["items"][0]
        pointers = ["/items/0" + each["pointer"] for each in row["errors"]]
        if row["status"] != "failed" or not any(each.startswith(case.pointer or "") for each in pointers):
            wrong.append(f"{case.name}: {row}")
    assert not wrong, "\n".join(wrong)
    after = await stored(cast, BULK.service)
    assert {name for name in after if after[name] != before[name]} == {"imports", "import_rows"}


@pytest.mark.parametrize("endpoint", public(), ids=str)
async def test_a_query_parameter_that_is_wrong_is_named(endpoint: Endpoint, cast: Cast) -> None:
    cases = broken_queries(endpoint, list(cast.query(endpoint).items()))
    known = (case for case in cases if endpoint.operation_id not in OPEN or case.name not in UNKNOWN)
    await refused(cast, endpoint, known)


@pytest.mark.parametrize("endpoint", [each for each in public() if each.names], ids=str)
async def test_an_id_that_names_nothing_finds_nothing(endpoint: Endpoint, cast: Cast) -> None:
    await refused(cast, endpoint, broken_paths(endpoint))


@pytest.mark.parametrize("endpoint", public(), ids=str)
async def test_a_header_that_is_wrong_is_refused(endpoint: Endpoint, cast: Cast) -> None:
    body = json.dumps(good(cast, endpoint)).encode() if endpoint.body is not None else None
    await refused(cast, endpoint, broken_headers(endpoint, body))
