"""What a client may do in the whole shop: as a person who let it, with rights that were lent to it, and as itself."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from browsing import Visitor
from chassis.fixtures import until
from chassis.servers.postgres import EmbeddedPostgres
from chassis.world import new_id
from door import open_door
from relying import Application, application, at
from shopping import ADDRESS, OpenShop, Person
from soko.seeding import demo_password

ISSUER = "http://soko.test"
SCRIPT = Path(__file__).with_name("openid_client.mjs")
OPENID_CLIENT = "openid-client@6"


@pytest.fixture
async def visitor(shop: OpenShop) -> AsyncIterator[Visitor]:
    async with at(shop.shop.app, ISSUER) as client:
        yield Visitor(client)


async def lent(visitor: Visitor, app: Application, scope: str, who: str) -> str:
    """An access token of the client's, for this person."""
    await visitor.open(app.begin(scope))
    await visitor.log_in(who, demo_password())
    await visitor.allow()
    return str((await app.tokens(visitor))["access_token"])


def bearing(shop: OpenShop, token: str) -> Person:
    return Person(shop.door, {"Authorization": f"Bearer {token}"})


async def test_a_client_that_may_shops_as_its_person_and_buys(shop: OpenShop, visitor: Visitor) -> None:
    sku, customer = await shop.product(), await shop.customer()
    me = await customer.get("/users/me")
    async with application(shop.shop.services["identity"], app=shop.shop.app) as app:
        shopper = bearing(shop, await lent(visitor, app, "openid account", me["email"]))
        await shopper.add(sku)
        placed = await shopper.checkout()
        assert placed.status_code == 201, placed.text
        order = placed.json()
        assert (await customer.get(f"/orders/{order['id']}"))["status"] == "confirmed"
        for path in ("/orders", "/payments", "/users/me/addresses", "/carts"):
            mine, its = await customer.get(path), await shopper.get(path)
            assert [each["id"] for each in its["items"]] == [each["id"] for each in mine["items"]], path
        review = {"rating": 5}
        product = (await shopper.get(f"/variants?sku={sku}"))["items"][0]["product_id"]
        assert (await shopper.call("POST", f"/products/{product}/reviews", review)).status_code == 201
        for method, path in (("GET", "/users/me"), ("GET", "/notifications"), ("PATCH", "/notifications/preferences")):
            assert (await shopper.call(method, path, {} if method == "PATCH" else None)).status_code == 403, path
        assert (await shopper.call("GET", "/ops/jobs")).status_code == 403


async def test_a_client_that_may_not_shop_sees_nothing_of_its_persons(shop: OpenShop, visitor: Visitor) -> None:
    sku, staff = await shop.product(), await shop.staff()
    await staff.add(sku)
    placed = await staff.checkout()
    async with application(shop.shop.services["identity"], app=shop.shop.app) as app:
        reader = bearing(shop, await lent(visitor, app, "openid orders:read", "staff@soko.example"))
        assert placed.json()["id"] in [each["id"] for each in (await reader.get("/orders"))["items"]]
        assert (await reader.get(f"/orders/{placed.json()['id']}"))["shipping_address"] is None
        assert (await reader.get("/orders?mine=true"))["items"] == []
        assert (await reader.get("/carts"))["items"] == []
        key = {"Idempotency-Key": new_id()}
        body = {"shipping_address": ADDRESS, "shipping_method": "standard"}
        for method, path, sent in (
            ("GET", "/cart", None),
            ("POST", "/cart/items", {"sku": sku, "quantity": 1}),
            ("POST", "/orders", body),
            ("GET", "/payments", None),
            ("GET", "/users/me/addresses", None),
            ("GET", "/notifications", None),
            ("POST", "/products/bulk", {"items": [{"sku": "nothing"}]}),
            ("GET", "/inventory", None),
        ):
            answer = await reader.call(method, path, sent, key)
            assert answer.status_code == 403, f"{method} {path}: {answer.text}"


async def test_a_token_that_only_says_who_somebody_is_opens_nothing_in_the_shop(
    shop: OpenShop, visitor: Visitor
) -> None:
    customer = await shop.customer()
    me = await customer.get("/users/me")
    async with application(shop.shop.services["identity"], app=shop.shop.app) as app:
        token = await lent(visitor, app, "openid profile email", me["email"])
        said = await app.http.get("/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert (said.status_code, said.json()["email"]) == (200, me["email"])
        nobody = bearing(shop, token)
        for path in ("/orders", "/cart", "/products", "/users/me", "/carts"):
            assert (await nobody.call("GET", path)).status_code == 401, path


async def test_a_machine_reads_what_it_was_registered_for_and_stops_with_its_registration(shop: OpenShop) -> None:
    identity, app = shop.shop.services["identity"], shop.shop.app
    async with application(identity, "orders:read", "payments:read", kind="machine", app=app) as erp:
        token = (await erp.oauth.fetch_token(erp.metadata["token_endpoint"], grant_type="client_credentials"))[
            "access_token"
        ]
        machine = bearing(shop, token)
        sku, customer = await shop.product(), await shop.customer()
        await customer.add(sku)
        order = (await customer.checkout()).json()
        assert order["id"] in [each["id"] for each in (await machine.get("/orders"))["items"]]
        assert (await machine.get(f"/orders/{order['id']}"))["shipping_address"] is None
        assert (await machine.get(f"/payments/{order['payment']['id']}"))["status"] == "captured"
        assert (await machine.get("/payments"))["items"]
        for method, path in (
            ("GET", "/cart"),
            ("GET", "/inventory"),
            ("POST", f"/orders/{order['id']}/cancel"),
            ("GET", "/users/me"),
        ):
            answer = await machine.call(method, path, {} if method == "POST" else None)
            assert answer.status_code in (403, 404), f"{path}: {answer.text}"
        admin = await shop.admin()
        assert (await admin.call("DELETE", f"/clients/{erp.client_id}")).status_code == 204

        async def refused() -> bool:
            return (await machine.call("GET", "/orders")).status_code == 401

        # Every process asks for what was revoked each two seconds.
        await until(refused, seconds=10)


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="no node with npm")
async def test_a_certified_client_library_goes_through_the_whole_flow(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """npm's openid-client, which checks everything that OpenID Connect tells a client to check."""
    install = [
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(tmp_path),
        OPENID_CLIENT,
    ]
    status, said = await run(*install)
    if status != 0:
        pytest.skip(f"npm cannot install {OPENID_CLIENT} here: {said[-200:]}")
    shutil.copy(SCRIPT, tmp_path / SCRIPT.name)
    callback = "http://127.0.0.1:18997/callback"
    async with open_door(postgres) as door:
        app = door.shop.shop.app
        async with application(door.shop.shop.services["identity"], redirect_uris=[callback], app=app) as client:
            known = {"issuer": door.url, "client_id": client.client_id, "secret": client.secret, "callback": callback}
            login = {"name": "customer@soko.example", "password": demo_password()}
            told = {**known, **login, "scope": "openid profile email offline_access account"}
            status, said = await run("node", str(tmp_path / SCRIPT.name), json.dumps(told))
            assert status == 0, said
    found = json.loads(said.splitlines()[-1])
    assert (found["email"], found["again"], found["active"], found["after"]) == (
        "customer@soko.example",
        True,
        True,
        False,
    )


async def run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "npm_config_loglevel": "error"},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
