"""Logging in to the whole shop by way of a provider that others have written and certified: npm's oidc-provider."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from chassis.servers.postgres import EmbeddedPostgres
from node_provider import node_provider, walked
from shopping import OpenShop, open_shop

SHOP = "http://soko.test"
PATH = "/api/v1/auth/providers/node"
CLIENT = {
    "client_id": "soko",
    "client_secret": "a secret: + & %",
    "redirect_uris": [f"{SHOP}{PATH}/callback"],
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
}


@asynccontextmanager
async def shop_with(server: EmbeddedPostgres, issuer: str) -> AsyncIterator[OpenShop]:
    """A shop that is set up for it."""
    configured = {"name": "node", "issuer": issuer, "client_id": "soko", "client_secret": CLIENT["client_secret"]}
    async with open_shop(server, OIDC_PROVIDERS=json.dumps([configured])) as opened:
        yield opened


@pytest.fixture(scope="module")
async def shop(postgres: EmbeddedPostgres) -> AsyncIterator[OpenShop]:
    async with node_provider(CLIENT) as issuer, shop_with(postgres, issuer) as opened:
        yield opened


async def login(shop: OpenShop, who: str, return_to: str | None = None) -> httpx.Response:
    """There, through its pages, and back."""
    query = {"return_to": return_to} if return_to else None
    begun = await shop.door.get(f"{PATH}/login", params=query)
    assert begun.status_code == 302, begun.text
    brought = await walked(begun.headers["location"], who, f"{SHOP}{PATH}/callback")
    cookie = {"Cookie": begun.headers["set-cookie"].partition(";")[0]}
    return await shop.door.get(str(brought), headers=cookie)


async def test_somebody_new_logs_in_and_buys(shop: OpenShop) -> None:
    answer = await login(shop, "amina")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["user"]["email"], told["user"]["first_name"]) == ("amina@shop.example", "Amina")
    amina, sku = shop.guest(), await shop.product()
    amina.headers["Authorization"] = f"Bearer {told['access_token']}"
    await amina.add(sku)
    assert (await amina.checkout()).status_code == 201
    again = (await login(shop, "amina")).json()["user"]
    assert again["id"] == told["user"]["id"]
    assert [each["name"] for each in (await amina.get("/users/me/providers"))["items"]] == ["node"]
    exported = await amina.get("/users/me/export")
    assert [each["subject"] for each in exported["providers"]] == ["amina"]


async def test_a_customer_of_the_shop_is_known_by_their_address(shop: OpenShop) -> None:
    customer = await (await shop.login("customer@soko.example")).get("/users/me")
    assert (await login(shop, "customer")).json()["user"]["id"] == customer["id"]


async def test_an_address_that_it_has_not_verified_opens_nothing(shop: OpenShop) -> None:
    answer = await login(shop, "mallory")
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/provider-email-not-verified")


async def test_a_page_of_the_shop_goes_on_with_the_cookie(shop: OpenShop) -> None:
    answer = await login(shop, "amina", f"{SHOP}/account")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{SHOP}/account")
    assert any(line.startswith("soko_refresh=") for line in answer.headers.get_list("set-cookie"))
    mallory = await login(shop, "mallory", f"{SHOP}/account")
    assert mallory.headers["location"] == f"{SHOP}/account?error=provider-email-not-verified"


async def test_a_code_is_good_once(shop: OpenShop) -> None:
    begun = await shop.door.get(f"{PATH}/login")
    brought = await walked(begun.headers["location"], "amina", f"{SHOP}{PATH}/callback")
    cookie = {"Cookie": begun.headers["set-cookie"].partition(";")[0]}
    statuses = [(await shop.door.get(str(brought), headers=cookie)).status_code for _ in range(2)]
    assert statuses == [200, 403]
