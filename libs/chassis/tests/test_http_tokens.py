"""Access tokens, the keys that change under them, and revocations."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from chassis.fixtures import KID, Clock, Identity
from chassis.http import (
    Revocations,
)
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from keyring import Shop, signed


@pytest.fixture
def shop(clock: Clock) -> Shop:
    return Shop(clock)


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
