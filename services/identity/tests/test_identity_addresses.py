"""One's own addresses, and what checkout asks about the one who pays."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from chassis.fixtures import Harness
from signing_in import bearer, demo

PATH = "/api/v1/users/me/addresses"
HOME = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "0700 000001"}
NOBODYS = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def add(shop: Harness, headers: dict[str, str], **changes: Any) -> httpx.Response:
    return await shop.client.post(PATH, json=HOME | changes, headers=headers)


async def defaults(shop: Harness, headers: dict[str, str]) -> list[tuple[str, bool]]:
    items = (await shop.client.get(PATH, headers=headers)).json()["items"]
    return [(each["line1"], each["default"]) for each in items]


async def test_the_first_address_is_the_default(shop: Harness) -> None:
    headers = await bearer(shop)
    answer = await add(shop, headers)
    body = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{PATH}/{body['id']}")
    assert (body["phone"], body["default"], body["line2"]) == ("+254700000001", True, None)
    assert (await shop.client.get(f"{PATH}/{body['id']}", headers=headers)).json() == body


async def test_there_is_always_one_default(shop: Harness) -> None:
    headers = await bearer(shop)
    await add(shop, headers, line1="A")
    await add(shop, headers, line1="B")
    assert await defaults(shop, headers) == [("A", True), ("B", False)]
    c = (await add(shop, headers, line1="C", default=True)).json()
    assert await defaults(shop, headers) == [("C", True), ("B", False), ("A", False)]
    await shop.client.delete(f"{PATH}/{c['id']}", headers=headers)
    assert await defaults(shop, headers) == [("B", True), ("A", False)]


async def test_another_address_can_be_made_the_default_and_none_cannot(shop: Harness) -> None:
    headers = await bearer(shop)
    a = (await add(shop, headers, line1="A")).json()
    b = (await add(shop, headers, line1="B")).json()
    moved = await shop.client.patch(f"{PATH}/{b['id']}", json={"default": True}, headers=headers)
    assert (moved.status_code, moved.json()["default"]) == (200, True)
    assert await defaults(shop, headers) == [("B", True), ("A", False)]
    none = await shop.client.patch(f"{PATH}/{b['id']}", json={"default": False}, headers=headers)
    assert (none.status_code, none.json()["errors"][0]["pointer"]) == (422, "/default")
    same = await shop.client.patch(f"{PATH}/{a['id']}", json={"default": False}, headers=headers)
    assert same.status_code == 200


async def test_defaults_set_at_once_leave_one(shop: Harness) -> None:
    headers = await bearer(shop)
    answers = await asyncio.gather(*(add(shop, headers, line1=str(number), default=True) for number in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert [is_default for _, is_default in await defaults(shop, headers)].count(True) == 1


async def test_an_address_is_changed_field_by_field(shop: Harness) -> None:
    headers = await bearer(shop)
    path = f"{PATH}/{(await add(shop, headers, region='Rift')).json()['id']}"
    change = {"line1": "2 Market St", "region": None, "country": "ug", "phone": "0712 345678"}
    answer = await shop.client.patch(path, json=change, headers=headers | {"If-Match": '"1"'})
    body = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert (body["line1"], body["region"], body["country"], body["phone"]) == (
        "2 Market St",
        None,
        "UG",
        "+256712345678",
    )
    assert body["city"] == "Nairobi"
    for method in ("PATCH", "DELETE"):
        stale = await shop.client.request(
            method, path, json={} if method == "PATCH" else None, headers=headers | {"If-Match": '"1"'}
        )
        assert stale.status_code == 412


async def test_a_broken_address_names_the_field(shop: Harness) -> None:
    headers = await bearer(shop)
    path = f"{PATH}/{(await add(shop, headers)).json()['id']}"
    broken: list[tuple[dict[str, Any], str]] = [
        ({"country": "ZZ"}, "/country"),
        ({"city": "  "}, "/city"),
        ({"line1": "x" * 201}, "/line1"),
        ({"phone": "call me"}, "/phone"),
        ({"name": None}, "/name"),
        ({"instructions": "a\u0000b"}, "/instructions"),
        ({"planet": "Earth"}, "/planet"),
        ({"default": "perhaps"}, "/default"),
    ]
    for changes, pointer in broken:
        for answer in (
            await add(shop, headers, **changes),
            await shop.client.patch(path, json=changes, headers=headers),
        ):
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), changes


async def test_anothers_address_is_404(shop: Harness) -> None:
    path = f"{PATH}/{(await add(shop, await bearer(shop))).json()['id']}"
    for headers in (await bearer(shop, "staff"), await bearer(shop, "admin")):
        for method in ("GET", "PATCH", "DELETE"):
            body = {"city": "Mombasa"} if method == "PATCH" else None
            answer = await shop.client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 404


async def test_the_same_idempotency_key_adds_one_address(shop: Harness) -> None:
    headers = await bearer(shop) | {"Idempotency-Key": "once"}
    first, again = await add(shop, headers), await add(shop, headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert len(await defaults(shop, headers)) == 1


async def test_what_a_key_added_and_is_gone_again_is_404(shop: Harness) -> None:
    headers = await bearer(shop) | {"Idempotency-Key": "once"}
    first = (await add(shop, headers)).json()
    await shop.client.delete(f"{PATH}/{first['id']}", headers=headers)
    assert (await add(shop, headers)).status_code == 404


async def test_an_account_holds_fifty_addresses_at_most(shop: Harness) -> None:
    headers = await bearer(shop)
    for _ in range(50):
        assert (await add(shop, headers)).status_code == 201
    answer = await add(shop, headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-addresses")


async def contact(shop: Harness, headers: dict[str, str], query: str = "") -> httpx.Response:
    path = f"/internal/v1/users/me/contact{query}"
    return await shop.client.get(path, headers=headers | shop.service_token("order"))


async def test_checkout_learns_how_to_reach_the_caller(shop: Harness) -> None:
    headers = await bearer(shop)
    answer = await contact(shop, headers)
    body = answer.json()
    assert (answer.status_code, body["email"], body["language"]) == (200, "customer@soko.example", "en")
    assert (body["phone"], body["address"]) == (None, None)


async def test_checkout_learns_the_address_that_was_chosen(shop: Harness) -> None:
    headers = await bearer(shop)
    id_ = (await add(shop, headers, instructions="Ring twice")).json()["id"]
    address = (await contact(shop, headers, f"?address_id={id_}")).json()["address"]
    assert address == HOME | {
        "phone": "+254700000001",
        "line2": None,
        "region": None,
        "postal_code": None,
        "instructions": "Ring twice",
    }


async def test_checkout_learns_of_no_address_that_is_not_the_callers(shop: Harness) -> None:
    id_ = (await add(shop, await bearer(shop))).json()["id"]
    for headers, chosen in ((await bearer(shop, "staff"), id_), (await bearer(shop), NOBODYS)):
        assert (await contact(shop, headers, f"?address_id={chosen}")).status_code == 404
    assert (await contact(shop, await bearer(shop), "?address_id=nonsense")).status_code == 422


async def test_nobody_but_a_service_with_a_callers_token_asks_for_a_contact(shop: Harness) -> None:
    assert (await contact(shop, {})).status_code == 401
    headers = await bearer(shop)
    assert (await shop.client.get("/internal/v1/users/me/contact", headers=headers)).status_code == 401


async def test_services_learn_how_to_reach_a_user_who_is_away(shop: Harness) -> None:
    me = (await contact(shop, await bearer(shop))).json()
    path, services = "/internal/v1/users/{}/contact", shop.service_token("notification")
    assert (await shop.client.get(path.format(me["user_id"]), headers=services)).json() == me
    assert (await shop.client.get(path.format(NOBODYS), headers=services)).status_code == 404
    assert (await shop.client.get(path.format(me["user_id"]), headers=await bearer(shop))).status_code == 401
