"""Who asks and who may: customers, guests, staff, and services among themselves."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from chassis.fixtures import Clock
from chassis.http import (
    Caller,
    Peer,
    Router,
    ServiceTokens,
    anyone,
    cart_holder,
    guest_cart,
    known,
    right,
    service_only,
    shopper,
    shopper_or,
    signed_in,
    unguarded,
)
from fastapi import Depends
from keyring import INTERNAL_KEY, Shop, signed

CART = "c" * 43

router = Router()


def seen(caller: Caller) -> dict[str, Any]:
    return {"user": caller.user_id, "role": caller.role, "cart": caller.cart_token, "client": caller.client_id}


@router.get("/anyone", operation_id="anyone", summary="Anyone")
async def for_anyone(caller: Caller = Depends(anyone)) -> dict[str, Any]:
    return seen(caller)


@router.get("/signed-in", operation_id="signed_in", summary="Signed in")
async def for_signed_in(caller: Caller = Depends(signed_in)) -> dict[str, Any]:
    return seen(caller)


@router.get("/shopper", operation_id="shopper", summary="Shopper")
async def for_shoppers(caller: Caller = Depends(shopper)) -> dict[str, Any]:
    return {**seen(caller), "key": caller.key}


@router.get("/own-or-all", operation_id="own_or_all", summary="Own or all")
async def for_shoppers_and_staff(caller: Caller = Depends(shopper_or("payments:read"))) -> dict[str, Any]:
    return seen(caller)


@router.get("/unguarded", operation_id="unguarded", summary="Unguarded")
async def for_whoever_logs_in(caller: Caller = Depends(unguarded)) -> dict[str, Any]:
    return seen(caller)


@router.get("/right", operation_id="right", summary="Right")
async def for_right(caller: Caller = Depends(right("orders:read"))) -> dict[str, Any]:
    return seen(caller)


@router.get("/cart", operation_id="cart", summary="Cart")
async def for_cart_holder(caller: Caller = Depends(cart_holder)) -> dict[str, Any]:
    return {**seen(caller), "key": caller.key}


@router.get("/known", operation_id="known", summary="Known")
async def for_the_known(caller: Caller = Depends(known)) -> dict[str, Any]:
    return seen(caller)


@router.get("/guest-cart", operation_id="guest_cart", summary="A guest's cart")
async def for_a_guests_cart(key: str = Depends(guest_cart), caller: Caller = Depends(signed_in)) -> str:
    return key


@router.get("/internal", operation_id="internal", summary="Internal")
async def for_services(peer: Peer = Depends(service_only)) -> dict[str, Any]:
    return {"name": peer.name, "caller": peer.caller and seen(peer.caller)}


@pytest.fixture
def shop(clock: Clock) -> Shop:
    return Shop(clock, [router])


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=shop.app), base_url="http://test") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# Access


async def test_anyone_may_come_without_a_token_and_not_with_a_broken_one(shop: Shop, client: httpx.AsyncClient) -> None:
    assert (await client.get("/anyone")).json()["user"] is None
    assert (await client.get("/anyone", headers=bearer(shop.identity.token("u-1")))).json()["user"] == "u-1"
    for header in ("Bearer broken", "Bearer a.b.c", "Bearer ", "Basic dXNlcg==", "Bearer"):
        answer = await client.get("/anyone", headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"].startswith('Bearer realm="soko"')


async def test_a_customers_route_asks_for_a_token(shop: Shop, client: httpx.AsyncClient) -> None:
    answer = await client.get("/signed-in")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="soko"')
    assert (await client.get("/signed-in", headers={"X-Cart-Token": CART})).status_code == 401
    assert (await client.get("/signed-in", headers=bearer(shop.identity.token("u-1")))).json()["user"] == "u-1"


async def test_a_right_is_asked_for_by_name(shop: Shop, client: httpx.AsyncClient) -> None:
    assert (await client.get("/right")).status_code == 401
    customer = await client.get("/right", headers=bearer(shop.identity.token("u-1")))
    assert (customer.status_code, customer.json()["detail"]) == (403, "This needs the right orders:read.")
    staff = await client.get("/right", headers=bearer(shop.identity.token("u-2", "staff", ["orders:read"])))
    assert staff.json()["role"] == "staff"


async def test_a_cart_is_held_by_its_user_else_by_the_hash_of_its_token(shop: Shop, client: httpx.AsyncClient) -> None:
    guest = await client.get("/cart", headers={"X-Cart-Token": CART})
    assert guest.json()["key"] == f"cart:{hashlib.sha256(CART.encode()).hexdigest()}"
    both = await client.get("/cart", headers={"X-Cart-Token": CART, **bearer(shop.identity.token("u-1"))})
    assert (both.json()["key"], both.json()["cart"]) == ("user:u-1", CART)


async def test_who_is_nobody_has_no_key(client: httpx.AsyncClient) -> None:
    assert (await client.get("/cart")).status_code == 401


async def test_a_cart_token_of_another_make_is_refused(client: httpx.AsyncClient) -> None:
    for token in ("short", "x" * 129):
        answer = await client.get("/cart", headers={"X-Cart-Token": token})
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")


async def test_a_route_for_those_who_are_known_takes_either_token(shop: Shop, client: httpx.AsyncClient) -> None:
    assert (await client.get("/known")).status_code == 401
    assert (await client.get("/known", headers={"X-Cart-Token": CART})).json()["cart"] == CART
    assert (await client.get("/known", headers=bearer(shop.identity.token("u-1")))).json()["user"] == "u-1"


async def test_a_route_about_a_guests_cart_needs_its_token_whoever_asks(shop: Shop, client: httpx.AsyncClient) -> None:
    mine = bearer(shop.identity.token("u-1"))
    both = await client.get("/guest-cart", headers={"X-Cart-Token": CART, **mine})
    assert both.json() == f"cart:{hashlib.sha256(CART.encode()).hexdigest()}"
    without = await client.get("/guest-cart", headers=mine)
    assert (without.status_code, without.json()["errors"][0]["pointer"]) == (422, "/header/X-Cart-Token")


async def test_a_client_that_acts_for_itself_is_no_person(shop: Shop, client: httpx.AsyncClient) -> None:
    token = signed(shop, sub="erp", client_id="erp", scope="orders:read")
    assert (await client.get("/right", headers=bearer(token))).json() == {
        "user": None,
        "role": None,
        "cart": None,
        "client": "erp",
    }
    assert (await client.get("/signed-in", headers=bearer(token))).status_code == 403


def lent(shop: Shop, *scopes: str) -> dict[str, str]:
    """The header of the client ``app``, for which u-1 has consented to these scopes."""
    return bearer(signed(shop, sub="u-1", sid="s-1", client_id="app", scope=" ".join(scopes)))


async def test_a_client_with_the_scope_account_shops_as_the_person(shop: Shop, client: httpx.AsyncClient) -> None:
    shops = lent(shop, "openid", "account")
    for path in ("/shopper", "/cart"):
        assert (await client.get(path, headers=shops)).json()["key"] == "user:u-1"
    for path in ("/own-or-all", "/anyone", "/known"):
        assert (await client.get(path, headers=shops)).json()["user"] == "u-1"


async def test_a_client_without_it_is_only_itself_with_the_rights_it_was_lent(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    reads = lent(shop, "openid", "orders:read", "payments:read")
    assert (await client.get("/right", headers=reads)).json()["user"] is None
    assert (await client.get("/own-or-all", headers=reads)).json()["client"] == "app"
    assert (await client.get("/cart", headers=reads)).json()["key"] == "client:app"
    for path in ("/anyone", "/known"):
        assert (await client.get(path, headers=reads)).json()["user"] is None
    assert (await client.get("/shopper", headers=reads)).status_code == 403
    assert (await client.get("/own-or-all", headers=lent(shop, "orders:read"))).status_code == 403


async def test_what_only_the_person_decides_no_client_does_whatever_it_was_given(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    shops = lent(shop, "openid", "account", "orders:read")
    answer = await client.get("/signed-in", headers=shops)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert (await client.get("/unguarded", headers=shops)).json()["user"] is None
    own = bearer(shop.identity.token("u-1"))
    assert (await client.get("/unguarded", headers=own)).json()["user"] == "u-1"


async def test_what_a_deleted_client_was_given_counts_no_more(shop: Shop, client: httpx.AsyncClient) -> None:
    tokens = (lent(shop, "account"), bearer(signed(shop, sub="app", client_id="app", scope="orders:read")))
    shop.published.news = {"position": 1, "sessions": ["app"], "users": []}
    await shop.revocations.poll_once()
    for token in tokens:
        assert (await client.get("/known", headers=token)).status_code == 401
    assert (await client.get("/known", headers=bearer(shop.identity.token("u-1")))).status_code == 200


def test_a_caller_shown_in_a_log_gives_no_token_away() -> None:
    shown = repr(Caller(user_id="u-1", bearer="eyJ.secret", cart_token=CART))
    assert "secret" not in shown
    assert CART not in shown


# Services among themselves


async def test_a_service_says_its_name_and_for_whom_it_asks(shop: Shop, client: httpx.AsyncClient) -> None:
    asks = {"X-Service-Token": ServiceTokens("cart", INTERNAL_KEY, shop.clock).own()}
    assert (await client.get("/internal", headers=asks)).json() == {"name": "cart", "caller": None}
    answer = await client.get("/internal", headers={**asks, **bearer(shop.identity.token("u-1"))})
    assert answer.json()["caller"]["user"] == "u-1"


async def test_internal_routes_are_closed_to_everyone_else(shop: Shop, client: httpx.AsyncClient) -> None:
    foreign = ServiceTokens("cart", "another key", shop.clock).own()
    for headers in (
        {},
        {"X-Service-Token": "x"},
        {"X-Service-Token": foreign},
        bearer(shop.identity.token("u", "admin")),
    ):
        assert (await client.get("/internal", headers=headers)).status_code == 401


def test_a_service_token_is_made_once_and_renewed_before_it_ends(clock: Clock) -> None:
    own, other = ServiceTokens("cart", INTERNAL_KEY, clock), ServiceTokens("order", INTERNAL_KEY, clock)
    first = own.own()
    clock.advance(timedelta(seconds=200))
    assert own.own() == first
    assert other.verify(first) == "cart"
    clock.advance(timedelta(seconds=60))
    renewed = own.own()
    assert renewed != first
    clock.advance(timedelta(seconds=60))
    assert other.verify(first) is None
    assert other.verify(renewed) == "cart"


def test_a_customers_token_is_no_service_token(shop: Shop) -> None:
    assert shop.authentication.service_tokens.verify(shop.identity.token("u-1")) is None
