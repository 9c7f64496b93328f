"""One service's view of identity: the keys and revocations it publishes, and the tokens that are checked by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from chassis.fixtures import KID, Clock, Identity
from chassis.http import (
    Authentication,
    Caller,
    Keys,
    Problem,
    Revocations,
    ServiceTokens,
    Verifier,
    create_app,
)
from fastapi import APIRouter

INTERNAL_KEY = "what the services share"


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

    def __init__(self, clock: Clock, routers: Sequence[APIRouter] = ()) -> None:
        self.clock, self.identity, self.published = clock, Identity(clock), Published(clock)
        self.published.publish(self.identity)
        self.keys = Keys(self.published.jwks, clock)
        self.revocations = Revocations(self.published.revocations, clock)
        tokens = ServiceTokens("order", INTERNAL_KEY, clock)
        self.authentication = Authentication(Verifier(self.keys, clock), self.revocations, tokens)
        self.app = create_app("shop", routers, state={"authentication": self.authentication})

    async def who(self, token: str) -> Caller:
        return await self.authentication.caller(token, None)

    async def refuses(self, token: str, status: int = 401) -> Problem:
        with pytest.raises(Problem) as refused:
            await self.who(token)
        assert refused.value.kind.status == status
        return refused.value


def signed(shop: Shop, *, kid: str = KID, key: Any = None, algorithm: str = "EdDSA", **claims: Any) -> str:
    now = int(shop.clock().timestamp())
    said = {"iss": "soko", "aud": "soko", "sub": "u-1", "iat": now, "exp": now + 900, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key or shop.identity.key, algorithm=algorithm, headers={"kid": kid})
