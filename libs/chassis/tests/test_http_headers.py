"""ETag, If-Match, Prefer, Idempotency-Key: what headers ask for."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from chassis.http import (
    Caller,
    Precondition,
    Problem,
    Router,
    ServiceTokens,
    Tags,
    anyone,
    cart_holder,
    create_app,
    idempotency,
    precondition,
    prefer_wait,
    replayed,
    tagging,
)
from chassis.once import Once
from chassis.world import utc_now
from fastapi import Depends, Response

CART = "c" * 43
router = Router()


@router.get("/things/{id}", operation_id="get_thing", summary="Thing", response_model=int)
async def thing(tags: Tags = Depends(tagging), caller: Caller = Depends(anyone)) -> Any:
    return tags.unchanged(3) or 1


@router.get("/stock/{id}", operation_id="get_stock", summary="Stock", response_model=int)
async def stock(tags: Tags = Depends(tagging), caller: Caller = Depends(anyone)) -> Any:
    return tags.unchanged(3, 17) or 1


@router.patch("/things/{id}", operation_id="change_thing", summary="Change")
async def change(
    known: Precondition = Depends(precondition), tags: Tags = Depends(tagging), caller: Caller = Depends(anyone)
) -> int:
    known.check(3)
    tags.tell(4)
    return 1


@router.get("/wait", operation_id="wait", summary="Wait")
async def wait(seconds: float = Depends(prefer_wait), caller: Caller = Depends(anyone)) -> float:
    return seconds


@router.post("/optional/{id}", operation_id="optional", summary="Optional")
async def optional(
    dry: bool = False, caller: Caller = Depends(cart_holder), once: Once | None = Depends(idempotency())
) -> dict[str, Any] | None:
    if once is None:
        return None
    return {"caller": once.caller, "route": once.route, "key": once.key, "hash": once.body_hash}


@router.post("/required", operation_id="required", summary="Required")
async def required(
    response: Response, once: Once = Depends(idempotency(required=True)), caller: Caller = Depends(cart_holder)
) -> str:
    replayed(response)
    return once.key


class Guests:
    """Authentication in a shop where nobody has an account."""

    service_tokens = ServiceTokens("headers", "a key of this test", utc_now)

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        return Caller(cart_token=cart_token)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("headers", [router], state={"authentication": Guests()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


async def test_a_resource_has_a_tag_and_is_asked_for_again_each_time(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things/1")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"3"', "no-cache")


@pytest.mark.parametrize("tag", ['"3"', 'W/"3"', '"1", "3"', "*"])
async def test_a_client_that_has_it_is_not_sent_it_again(client: httpx.AsyncClient, tag: str) -> None:
    answer = await client.get("/things/1", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"3"')


@pytest.mark.parametrize("tag", ['"2"', "3", '"33"', ""])
async def test_a_client_that_has_another_gets_this_one(client: httpx.AsyncClient, tag: str) -> None:
    assert (await client.get("/things/1", headers={"If-None-Match": tag})).status_code == 200


async def test_a_change_of_a_version_that_is_gone_is_refused(client: httpx.AsyncClient) -> None:
    changed = await client.patch("/things/1", headers={"If-Match": '"3"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"4"')
    assert (await client.patch("/things/1")).status_code == 200
    stale = await client.patch("/things/1", headers={"If-Match": '"2"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"3"')


@pytest.mark.parametrize(("tag", "status"), [('"3-17"', 304), ('"3-18"', 200), ('"3"', 200)])
async def test_a_read_compares_all_of_a_tag(client: httpx.AsyncClient, tag: str, status: int) -> None:
    answer = await client.get("/stock/1", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"3-17"')


@pytest.mark.parametrize(
    ("tag", "status"), [('"3-17"', 200), ('"3-18"', 200), ('W/"3-18"', 200), ("*", 200), ('"33-17"', 412), ('"3', 412)]
)
async def test_a_change_compares_its_version_alone(client: httpx.AsyncClient, tag: str, status: int) -> None:
    assert (await client.patch("/things/1", headers={"If-Match": tag})).status_code == status


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("wait=10", 10),
        ("respond-async, wait=10", 10),
        ("wait=10; x=y", 10),
        ('wait="5"', 5),
        ("WAIT = 7", 7),
        ("wait=600", 20),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=10", 0),
        ("wait=1.5", 0),
        ("wait=99999999999", 0),
    ],
)
async def test_a_client_may_prefer_to_wait_twenty_seconds_at_most(
    client: httpx.AsyncClient, prefer: str | None, seconds: float
) -> None:
    headers = {"Prefer": prefer} if prefer else {}
    assert (await client.get("/wait", headers=headers)).json() == seconds


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "X-Cart-Token": CART, **more}


async def test_a_key_counts_by_caller_and_route_with_the_bodys_hash(client: httpx.AsyncClient) -> None:
    async def ask(path: str, body: bytes, token: str = CART) -> dict[str, str]:
        answer = await client.post(path, content=body, headers={"Idempotency-Key": "k", "X-Cart-Token": token})
        said: dict[str, str] = answer.json()
        return said

    first = await ask("/optional/1", b'{"a": 1}')
    assert (first["route"], first["key"]) == ("POST /optional/1", "k")
    assert first == await ask("/optional/1/", b'{"a": 1}')
    assert first["hash"] != (await ask("/optional/1", b'{"a": 2}'))["hash"]
    assert first["hash"] != (await ask("/optional/1?dry=true", b'{"a": 1}'))["hash"]
    assert first["route"] != (await ask("/optional/2", b'{"a": 1}'))["route"]
    assert first["caller"] != (await ask("/optional/1", b'{"a": 1}', "d" * 43))["caller"]


async def test_what_is_kept_of_a_body_does_not_tell_it(client: httpx.AsyncClient) -> None:
    body = b'{"password": "123456"}'
    answer = await client.post("/optional/1", content=body, headers=keyed("k"))
    assert answer.json()["hash"] not in {hashlib.sha256(each).hexdigest() for each in (body, b"\n" + body)}


async def test_a_key_is_optional_where_it_is_not_required(client: httpx.AsyncClient) -> None:
    assert (await client.post("/optional/1", headers={"X-Cart-Token": CART})).json() is None


async def test_a_key_of_somebody_nothing_names_is_ignored(client: httpx.AsyncClient) -> None:
    answer = await client.post("/optional/1", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()) == (200, None)


async def test_where_a_key_is_required_its_absence_is_a_problem(client: httpx.AsyncClient) -> None:
    without = await client.post("/required", headers={"X-Cart-Token": CART})
    assert (without.status_code, without.json()["type"]) == (400, "/problems/idempotency-key-required")
    nobody = await client.post("/required", headers={"Idempotency-Key": "k"})
    assert nobody.status_code == 401


@pytest.mark.parametrize("key", ["k", "x" * 255, "{6f0c-~ }"])
async def test_a_key_has_up_to_255_characters(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/required", headers=keyed(key))
    assert (answer.json(), answer.headers["idempotency-replayed"]) == (key, "true")


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"\xe9", b"a\tb"])
async def test_another_key_is_invalid(client: httpx.AsyncClient, key: bytes) -> None:
    for path in ("/required", "/optional/1"):
        answer = await client.post(path, headers={b"Idempotency-Key": key, b"X-Cart-Token": CART.encode()})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


async def test_two_keys_are_no_key(client: httpx.AsyncClient) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("X-Cart-Token", CART)]
    assert (await client.post("/required", headers=headers)).status_code == 422


def test_once_is_told_its_resource() -> None:
    once = Once("user:u-1", "POST /orders", "k", "00")
    assert once.for_("o-1") == Once("user:u-1", "POST /orders", "k", "00", "o-1")
    assert once.resource_id is None


def test_nobodys_key_raises() -> None:
    with pytest.raises(Problem):
        Caller().key  # noqa: B018
