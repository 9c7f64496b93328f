"""Who asks and who may: tokens, keys that change, revocations, services among themselves."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from chassis.fixtures import KID, Clock, Identity
from chassis.http import (
    Authentication,
    Caller,
    Keys,
    Peer,
    Problem,
    Revocations,
    Router,
    ServiceTokens,
    Verifier,
    anyone,
    cart_holder,
    create_app,
    guest_cart,
    known,
    right,
    service_only,
    signed_in,
)
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fastapi import Depends

INTERNAL_KEY = "what the services share"
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


@dataclass
class Published:
    """Identity, as other services see it; ``reachable`` may be turned off, and it counts how often it is asked."""

    clock: Clock
    keys: dict[str, Any] = field(default_factory=dict)
    news: dict[str, Any] = field(default_factory=lambda: {"position": 0, "sessions": [], "users": []})
    reachable: bool = True
    asked: int = 0
    asked_after: list[int] = field(default_factory=list)

    async def jwks(self) -> Mapping[str, Any]:
        self.asked += 1
        if not self.reachable:
            raise ConnectionRefusedError
        return {"keys": list(self.keys.values())}

    async def revocations(self, after: int) -> Mapping[str, Any]:
        self.asked_after.append(after)
        if not self.reachable:
            raise ConnectionRefusedError
        return self.news

    def publish(self, identity: Identity, kid: str = KID) -> None:
        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(identity.key.public_key(), as_dict=True)
        self.keys[kid] = {**jwk, "kid": kid, "alg": "EdDSA", "use": "sig"}


class Shop:
    """One service's view: its authentication, and identity behind it."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.identity, self.published = clock, Identity(clock), Published(clock)
        self.published.publish(self.identity)
        self.keys = Keys(self.published.jwks, clock)
        self.revocations = Revocations(self.published.revocations, clock)
        tokens = ServiceTokens("order", INTERNAL_KEY, clock)
        self.authentication = Authentication(Verifier(self.keys, clock), self.revocations, tokens)
        self.app = create_app("shop", [router], state={"authentication": self.authentication})

    async def who(self, token: str) -> Caller:
        return await self.authentication.caller(token, None)

    async def refuses(self, token: str, status: int = 401) -> Problem:
        with pytest.raises(Problem) as refused:
            await self.who(token)
        assert refused.value.kind.status == status
        return refused.value


@pytest.fixture
def shop(clock: Clock) -> Shop:
    return Shop(clock)


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


# Tokens


def signed(shop: Shop, *, kid: str = KID, key: Any = None, algorithm: str = "EdDSA", **claims: Any) -> str:
    now = int(shop.clock().timestamp())
    said = {"iss": "soko", "aud": "soko", "sub": "u-1", "iat": now, "exp": now + 900, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key or shop.identity.key, algorithm=algorithm, headers={"kid": kid})


async def test_a_token_counts_until_it_expires_by_the_clock_that_was_handed_in(shop: Shop) -> None:
    token = shop.identity.token("u-1")
    shop.clock.advance(timedelta(seconds=899))
    assert (await shop.who(token)).user_id == "u-1"
    shop.clock.advance(timedelta(seconds=1))
    assert "expired" in (await shop.refuses(token)).detail


async def test_a_token_that_is_not_whole_or_not_ours_proves_nothing(shop: Shop) -> None:
    head, body, signature = shop.identity.token("u-1").split(".")
    for token in (
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{signed(shop, sub='admin').split('.')[1]}.{signature}",
        jwt.encode({"sub": "u-1"}, key="", algorithm="none", headers={"kid": KID}),
        signed(shop, iss="elsewhere"),
        signed(shop, aud="soko-internal"),
        signed(shop, exp=None),
        signed(shop, sub=None),
        signed(shop, iat=None),
        signed(shop, exp="tomorrow"),
        signed(shop, key=ed25519.Ed25519PrivateKey.generate()),
    ):
        await shop.refuses(token)


async def test_the_public_key_does_not_pass_for_a_shared_secret(shop: Shop) -> None:
    """The old trick: sign with HS256 and the published key."""
    public = shop.published.keys[KID]["x"]
    await shop.refuses(signed(shop, key=public, algorithm="HS256"))


async def test_keys_of_both_kinds_are_read(shop: Shop) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    shop.published.keys["es"] = {**jwk, "kid": "es", "alg": "ES256"}
    assert (await shop.who(signed(shop, kid="es", key=key, algorithm="ES256"))).user_id == "u-1"


async def test_a_signature_is_checked_once(shop: Shop) -> None:
    token = shop.identity.token("u-1")
    await shop.who(token)
    shop.published.keys.clear()
    shop.published.publish(Identity(shop.clock), "another")
    assert await shop.keys.refresh()
    assert (await shop.who(token)).user_id == "u-1"
    await shop.refuses(shop.identity.token("u-2"))


# Keys


async def test_a_key_not_seen_before_is_asked_for(shop: Shop) -> None:
    await shop.who(shop.identity.token("u-1"))
    other = Identity(shop.clock)
    shop.published.publish(other, "next")
    shop.clock.advance(timedelta(seconds=5))
    assert (await shop.who(signed(shop, kid="next", key=other.key))).user_id == "u-1"
    assert shop.published.asked == 2


async def test_made_up_keys_do_not_make_us_ask_each_time(shop: Shop) -> None:
    await shop.who(shop.identity.token("u-1"))
    for number in range(20):
        await shop.refuses(signed(shop, kid=f"made-up-{number}"))
    assert shop.published.asked == 1


async def test_the_last_good_keys_are_kept_while_identity_is_away(shop: Shop) -> None:
    await shop.who(shop.identity.token("u-1"))
    shop.published.reachable = False
    shop.clock.advance(timedelta(minutes=10))
    assert not await shop.keys.refresh()
    assert shop.keys.known
    assert (await shop.who(shop.identity.token("u-2"))).user_id == "u-2"


async def test_when_no_key_can_be_had_identity_is_named_and_nobody_logged_out(shop: Shop) -> None:
    shop.published.reachable = False
    token = shop.identity.token("u-1")
    for _ in range(5):
        assert (await shop.refuses(token, 503)).extra == {"service": "identity"}
    assert shop.published.asked == 1
    shop.published.reachable = True
    shop.clock.advance(timedelta(seconds=1))
    assert (await shop.who(token)).user_id == "u-1"


async def test_keys_are_read_anew_now_and_then_so_that_one_taken_back_goes(shop: Shop) -> None:
    assert await shop.keys.poll_once()
    assert await shop.keys.poll_once()
    assert shop.published.asked == 1
    shop.published.keys.clear()
    shop.published.publish(Identity(shop.clock), "another")
    shop.clock.advance(timedelta(minutes=5))
    assert await shop.keys.poll_once()
    await shop.refuses(shop.identity.token("u-1"))


async def test_as_long_as_there_are_no_keys_each_poll_asks(shop: Shop) -> None:
    shop.published.reachable = False
    assert not await shop.keys.poll_once()
    shop.published.reachable = True
    assert await shop.keys.poll_once()
    assert shop.keys.known


async def test_a_broken_list_of_keys_does_not_replace_the_good_one(shop: Shop) -> None:
    await shop.who(shop.identity.token("u-1"))
    shop.published.keys = {"x": {"kid": "x", "kty": "nonsense"}}
    assert not await shop.keys.refresh()
    assert (await shop.who(shop.identity.token("u-2"))).user_id == "u-2"


# Revocations


async def test_a_revoked_session_is_refused_at_the_next_poll(shop: Shop) -> None:
    token, other = signed(shop, sid="s-1"), signed(shop, sid="s-2", sub="u-2")
    await shop.who(token)
    shop.published.news = {"position": 1, "sessions": ["s-1"]}
    assert await shop.revocations.poll_once()
    assert "revoked" in (await shop.refuses(token)).detail
    assert (await shop.who(other)).user_id == "u-2"


async def test_a_users_earlier_tokens_are_refused_and_later_ones_are_not(shop: Shop) -> None:
    earlier = signed(shop)
    shop.clock.advance(timedelta(seconds=10))
    moment = int(shop.clock().timestamp())
    shop.published.news = {"position": 1, "users": [{"id": "u-1", "before": moment}]}
    await shop.revocations.poll_once()
    await shop.refuses(earlier)
    assert (await shop.who(signed(shop))).user_id == "u-1"


async def test_each_poll_asks_only_for_what_is_new(shop: Shop) -> None:
    shop.published.news = {"position": 7, "sessions": ["s-1"]}
    await shop.revocations.poll_once()
    shop.published.news = {"position": 7, "sessions": []}
    await shop.revocations.poll_once()
    assert shop.published.asked_after == [0, 7, 7]
    await shop.refuses(signed(shop, sid="s-1"))


async def test_a_long_list_is_read_in_one_poll_though_it_comes_in_parts(shop: Shop) -> None:
    parts: list[dict[str, Any]] = [
        {"position": 1, "sessions": ["s-1"]},
        {"position": 2, "sessions": ["s-2"]},
        {"position": 2},
    ]

    async def part(after: int) -> Mapping[str, Any]:
        return parts[after]

    await (revocations := Revocations(part, shop.clock)).poll_once()
    shop.authentication.revocations = revocations
    for session in ("s-1", "s-2"):
        await shop.refuses(signed(shop, sid=session))


async def test_the_last_list_stands_while_identity_is_away(shop: Shop) -> None:
    token = signed(shop, sid="s-1")
    await shop.who(token)
    shop.published.news = {"position": 1, "sessions": ["s-1"]}
    await shop.revocations.poll_once()
    shop.published.reachable = False
    assert not await shop.revocations.poll_once()
    await shop.refuses(token)


async def test_an_outage_of_identity_is_logged_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.published.reachable = False
    for _ in range(3):
        await shop.revocations.poll_once()
        await shop.keys.poll_once()
    assert [record.levelname for record in caplog.records].count("WARNING") == 2
    caplog.clear()
    shop.published.reachable = True
    await shop.revocations.poll_once()
    shop.published.reachable = False
    await shop.revocations.poll_once()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_an_identity_that_was_set_up_anew_is_read_from_the_start(shop: Shop) -> None:
    shop.published.news = {"position": 9, "sessions": []}
    await shop.revocations.poll_once()
    shop.published.news = {"position": 2, "sessions": []}
    await shop.revocations.poll_once()
    assert shop.published.asked_after == [0, 9, 9, 0, 2]


async def test_what_no_token_outlives_is_forgotten(shop: Shop) -> None:
    shop.published.news = {"position": 1, "sessions": ["s-1"], "users": [{"id": "u-1", "before": 1}]}
    await shop.revocations.poll_once()
    shop.published.news = {"position": 1}
    shop.clock.advance(timedelta(days=1, seconds=1))
    await shop.revocations.poll_once()
    assert (await shop.who(signed(shop, sid="s-1"))).user_id == "u-1"
