import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from chassis.fixtures import Clock, Identity
from chassis.web import listen, web_server
from gateway.service import Door, build
from gateway.settings import Settings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

KEY = "an internal key for these tests, 32 chars"


class Echo:
    """Stands where a service would: says what it got."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        request = Request(scope, receive)
        body = await request.body()
        said = {
            "service": self.name,
            "path": scope["path"],
            "headers": {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
            "body": len(body),
        }
        await JSONResponse(said, headers={"ETag": '"7"'})(scope, receive, send)


SERVICES = ("catalog", "cart", "order", "payment", "inventory", "notification", "cardsim")


class Shop:
    def __init__(self, client: httpx.AsyncClient, door: Door, identity: Identity, apps: Mapping[str, ASGIApp]) -> None:
        self.client, self.door, self.identity, self.apps = client, door, identity, apps
        self.get, self.post, self.request = client.get, client.post, client.request

    def echo(self, name: str) -> Echo:
        """The stand-in that answers as this service."""
        app = self.apps[name]
        assert isinstance(app, Echo)
        return app

    def bearer(self, **said: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.identity.token(**said)}"}


@asynccontextmanager
async def open_shop(
    clock: Clock | None = None, apps: Mapping[str, ASGIApp] | None = None, **settings: Any
) -> AsyncIterator[Shop]:
    clock = clock or Clock()
    identity = Identity(clock)
    upstreams: dict[str, ASGIApp] = {
        "identity": identity.app(),
        **{name: Echo(name) for name in SERVICES},
        **(apps or {}),
    }
    given = {"soko_env": "testing", "soko_internal_key": KEY, **settings}
    door = build(Settings(**given), upstreams, clock)
    await door.keys.refresh()
    transport = httpx.ASGITransport(app=door.app, raise_app_exceptions=False, client=("203.0.113.9", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        try:
            yield Shop(client, door, identity, upstreams)
        finally:
            await door.stop()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/products", "catalog"),
        ("/api/v1/products.csv", "catalog"),
        ("/api/v1/categories/tree", "catalog"),
        ("/api/v1/variants/x", "catalog"),
        ("/api/v1/cart", "cart"),
        ("/api/v1/cart/items/3", "cart"),
        ("/api/v1/cart/quote", "order"),
        ("/api/v1/orders", "order"),
        ("/api/v1/orders.csv", "order"),
        ("/api/v1/users/me/orders/claim", "order"),
        ("/api/v1/shipping-methods", "order"),
        ("/api/v1/payments/methods", "payment"),
        ("/api/v1/payments/webhooks/cardsim", "payment"),
        ("/api/v1/inventory/KET-1", "inventory"),
        ("/api/v1/events", "notification"),
    ],
)
async def test_each_path_has_its_service(shop: Shop, path: str, service: str) -> None:
    answer = await shop.get(path)

    assert (answer.status_code, answer.json()["service"]) == (200, service)


@pytest.mark.parametrize(
    "path",
    [
        "/internal/v1/variants",
        "/internal",
        "//internal/v1/variants",
        "/api/v1/internal/v1/x",
        "/api/v1/nothing",
        "/api/v2/products",
        "/api/v1/products%2F..%2F..%2Finternal",
        "/metrics",
        "/nothing",
        "/static/../app.py",
        "/static/start.html",
        "/static/%2e%2e%2fapp.py",
        "/problems/none",
    ],
)
async def test_what_is_not_for_the_world_is_404(shop: Shop, path: str) -> None:
    answer = await shop.get(path)

    if answer.status_code == 200:
        assert not answer.json()["path"].startswith("/internal")
    else:
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_trailing_slash_means_the_same(shop: Shop) -> None:
    assert (await shop.get("/api/v1/products/")).json()["path"] == "/api/v1/products"


async def test_the_card_gateways_pages_lose_their_prefix(shop: Shop) -> None:
    assert (await shop.get("/cardsim/3ds/ch_1")).json()["path"] == "/3ds/ch_1"


async def test_nobody_outside_speaks_as_a_service_or_a_proxy(shop: Shop) -> None:
    lies = {
        "X-Service-Token": "x",
        "X-Correlation-ID": "x",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "x",
        "X-Real-IP": "6.6.6.6",
    }

    got = (await shop.get("/api/v1/products", headers=lies)).json()["headers"]

    assert got["x-forwarded-for"] == "203.0.113.9"
    assert got["x-forwarded-proto"] == "http"
    assert not {"x-service-token", "x-correlation-id", "x-forwarded-host", "x-real-ip"} & set(got)


async def test_a_request_id_is_taken_or_made_and_passed_on(shop: Shop) -> None:
    taken = await shop.get("/api/v1/products", headers={"X-Request-ID": "abc-1"})
    made = await shop.get("/api/v1/products", headers={"X-Request-ID": "no spaces allowed"})

    assert taken.headers["x-request-id"] == taken.json()["headers"]["x-request-id"] == "abc-1"
    assert made.headers.get_list("x-request-id") == [made.json()["headers"]["x-request-id"]]
    assert len(made.headers["x-request-id"]) == 32
    assert made.headers["traceparent"] == made.json()["headers"]["traceparent"]
    assert made.headers["server-timing"].startswith("gateway;dur=")


async def test_every_answer_carries_the_security_headers(shop: Shop) -> None:
    for path in ("/api/v1/products", "/nothing", "/docs"):
        headers = (await shop.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


async def test_what_says_nothing_about_caching_is_not_kept(shop: Shop) -> None:
    assert (await shop.get("/api/v1/orders")).headers["cache-control"] == "no-store"
    assert (await shop.get("/docs")).headers["cache-control"] == "no-cache"


async def test_https_is_asked_to_stay() -> None:
    async with open_shop(public_url="https://shop.example") as shop:
        assert "strict-transport-security" in (await shop.get("/nothing")).headers


class TestTokens:
    async def test_a_good_token_is_passed_on_and_remembered_for_the_service(self, shop: Shop) -> None:
        answer = await shop.get("/api/v1/cart", headers=shop.bearer(user_id="u-1"))

        assert answer.status_code == 200
        assert answer.json()["headers"]["authorization"].startswith("Bearer ")
        assert shop.echo("cart").scopes[-1]["soko.caller"].user_id == "u-1"

    @pytest.mark.parametrize("header", ["Bearer broken", "Basic dXNlcg==", "Bearer", "Bearer a.b.c"])
    async def test_a_broken_token_is_401(self, shop: Shop, header: str) -> None:
        answer = await shop.get("/api/v1/products", headers={"Authorization": header})

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert not shop.echo("catalog").scopes

    async def test_a_revoked_session_is_401(self, shop: Shop) -> None:
        token = shop.bearer(session_id="s-9")
        shop.door.revocations._sessions["s-9"] = 1.0

        assert (await shop.get("/api/v1/cart", headers=token)).status_code == 401
        assert (await shop.get("/api/v1/cart", headers=shop.bearer(session_id="s-8"))).status_code == 200

    async def test_before_the_first_keys_a_token_is_503_and_browsing_works(self) -> None:
        async def down(scope: Scope, receive: Receive, send: Send) -> None:
            await JSONResponse({}, 503)(scope, receive, send)

        async with open_shop(apps={"identity": down}) as shop:
            with_token = await shop.get("/api/v1/cart", headers=shop.bearer())
            ready = await shop.get("/health/ready")

            assert (with_token.status_code, with_token.json()["service"]) == (503, "identity")
            assert (await shop.get("/api/v1/products")).status_code == 200
            assert (ready.status_code, ready.json()["status"]) == (503, "unready")

    async def test_those_who_read_the_header_themselves_get_it_unread(self) -> None:
        async with open_shop(apps={"identity": Echo("identity")}) as shop:
            for path in ("/api/v1/auth/login", "/oauth2/userinfo", "/api/v1/payments/webhooks/x", "/cardsim/charges"):
                answer = await shop.get(path, headers={"Authorization": "Bearer old"})
                assert answer.json()["headers"]["authorization"] == "Bearer old"

    @pytest.mark.parametrize("token", ["short", "x" * 200])
    async def test_a_cart_token_that_cannot_be_ours_is_401(self, shop: Shop, token: str) -> None:
        assert (await shop.get("/api/v1/cart", headers={"X-Cart-Token": token})).status_code == 401


class TestBodies:
    @pytest.mark.parametrize(
        ("path", "most"),
        [("/api/v1/orders", 1), ("/api/v1/products/x/images", 8), ("/api/v1/products/bulk", 32)],
    )
    async def test_a_body_has_a_limit_said_or_not(self, shop: Shop, path: str, most: int) -> None:
        size = most * 1024 * 1024

        async def parts(length: int) -> AsyncIterator[bytes]:
            sent = 0
            while sent < length:
                part = b"x" * min(65536, length - sent)
                sent += len(part)
                yield part

        fits = await shop.post(path, content=b"x" * size)
        too_long = await shop.post(path, content=b"x" * (size + 1))
        fits_in_parts = await shop.post(path, content=parts(size))
        too_long_in_parts = await shop.post(path, content=parts(size + 1))

        assert fits.json()["body"] == fits_in_parts.json()["body"] == size
        for answer in (too_long, too_long_in_parts):
            assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")

    async def test_a_client_that_sends_too_much_over_a_real_connection_reads_why(self, shop: Shop) -> None:
        listening, server = listen("127.0.0.1", 0), web_server(shop.door.app)
        running = asyncio.create_task(server.serve([listening]))
        await server.ready.wait()
        port = listening.getsockname()[1]

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(48):
                yield b"x" * 65536

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            in_parts = await client.post("/api/v1/orders", content=parts())
            at_once = await client.post("/api/v1/orders", content=b"x" * 3_000_000)
            after = await client.get("/api/v1/orders")
        server.should_exit = True
        await running

        assert (in_parts.status_code, at_once.status_code, after.status_code) == (413, 413, 200)


class TestLimits:
    async def test_a_user_has_a_limit_of_his_own(self) -> None:
        async with open_shop(rate_limit_user="3/minute", rate_limit_address="2/minute") as shop:
            one, other = shop.bearer(user_id="u-1"), shop.bearer(user_id="u-2")

            first = [(await shop.get("/api/v1/cart", headers=one)).status_code for _ in range(4)]
            second = await shop.get("/api/v1/cart", headers=other)
            nobody = [(await shop.get("/api/v1/products")).status_code for _ in range(3)]

        assert first == [200, 200, 200, 429]
        assert second.status_code == 200
        assert nobody == [200, 200, 429]

    async def test_a_refusal_says_when_to_come_again(self) -> None:
        async with open_shop(rate_limit_address="1/minute") as shop:
            await shop.get("/api/v1/products")
            answer = await shop.get("/api/v1/products")

        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["ratelimit"].startswith('"default";r=0;t=')
        assert answer.json()["type"] == "/problems/rate-limited"

    async def test_logging_in_is_limited_more_strictly(self) -> None:
        async with open_shop(rate_limit_auth="2/minute", apps={"identity": Echo("identity")}) as shop:
            answers = [(await shop.post("/api/v1/auth/login", json={})).status_code for _ in range(3)]
            browsing = (await shop.get("/api/v1/products")).status_code

        assert answers == [200, 200, 429]
        assert browsing == 200

    async def test_off_is_off(self) -> None:
        async with open_shop(soko_rate_limits="off", rate_limit_address="1/minute") as shop:
            assert [(await shop.get("/api/v1/products")).status_code for _ in range(3)] == [200] * 3

    async def test_the_client_behind_a_trusted_proxy_is_counted_not_the_proxy(self) -> None:
        async with open_shop(trusted_proxies="203.0.113.0/24, 10.0.0.1", rate_limit_address="1/minute") as shop:

            async def asks(forwarded: str) -> httpx.Response:
                return await shop.get(
                    "/api/v1/products", headers={"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
                )

            first = await asks("6.6.6.6, 198.51.100.7, 10.0.0.1")
            again = await asks("7.7.7.7, 198.51.100.7")
            other = await asks("198.51.100.8")

        assert first.json()["headers"]["x-forwarded-for"] == "198.51.100.7"
        assert first.json()["headers"]["x-forwarded-proto"] == "https"
        assert (again.status_code, other.status_code) == (429, 200)


class TestHosts:
    async def test_only_allowed_hosts_are_served(self) -> None:
        async with open_shop(allowed_hosts="shop.example, *.soko.example") as shop:

            async def status(host: str, path: str = "/api/v1/products") -> int:
                return (await shop.get(path, headers={"Host": host})).status_code

            assert [await status(each) for each in ("shop.example", "SHOP.example:8000", "a.soko.example")] == [200] * 3
            assert [await status(each) for each in ("evil.example", "soko.example", "xshop.example")] == [400] * 3
            assert await status("10.0.0.7:8000", "/health/live") == 200


class TestOrigins:
    async def test_a_known_origin_may_read(self) -> None:
        async with open_shop(cors_origins="https://web.example") as shop:
            answer = await shop.get("/api/v1/products", headers={"Origin": "https://web.example"})
            problem = await shop.get("/api/v1/nothing", headers={"Origin": "https://web.example"})
            other = await shop.get("/api/v1/products", headers={"Origin": "https://evil.example"})

        for each in (answer, problem):
            assert each.headers["access-control-allow-origin"] == "https://web.example"
            assert "X-Cart-Token" in each.headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in other.headers
        assert "Origin" in other.headers["vary"]

    async def test_a_preflight_is_answered_here(self) -> None:
        async with open_shop(cors_origins="https://web.example") as shop:
            answer = await shop.request(
                "OPTIONS",
                "/api/v1/orders",
                headers={"Origin": "https://web.example", "Access-Control-Request-Method": "POST"},
            )

            assert answer.status_code == 204
            assert "POST" in answer.headers["access-control-allow-methods"]
            assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
            assert not shop.echo("order").scopes

    async def test_developers_pages_may_in_development_and_nobody_in_production(self) -> None:
        for environment, allowed in (("development", True), ("testing", False)):
            async with open_shop(soko_env=environment) as shop:
                answer = await shop.get("/api/v1/products", headers={"Origin": "http://localhost:5173"})
            assert ("access-control-allow-origin" in answer.headers) is allowed
