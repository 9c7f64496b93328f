"""An application that logs people in at the shop, by Authlib's own client: a library that is not ours."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from browsing import Visitor
from identity.openid import clients
from identity.openid.scopes import SCOPES
from joserfc import jwt
from joserfc.jwk import KeySet
from shopping import OpenShop, Person
from soko.seeding import demo_password
from starlette.types import ASGIApp

CALLBACK = "https://club.example/callback"
VERIFIER = "v" * 64


@dataclass
class Application:
    """A registered client, and the library that speaks for it."""

    client_id: str
    secret: str | None
    oauth: Any
    http: httpx.AsyncClient
    metadata: dict[str, Any]
    clock: Any
    nonce: str = "n-0S6_WzA2Mj"

    def begin(self, scope: str = "openid email", **changed: str) -> str:
        """Where it sends a person."""
        said = {"nonce": self.nonce, "code_verifier": VERIFIER, "scope": scope, **changed}
        url, _ = self.oauth.create_authorization_url(self.metadata["authorization_endpoint"], state="s-1", **said)
        return str(url)

    async def tokens(self, visitor: Visitor, **changed: str) -> dict[str, Any]:
        """What it gets for the code that the person came back with."""
        said = {"authorization_response": visitor.sent_to, "code_verifier": VERIFIER, "state": "s-1", **changed}
        found: dict[str, Any] = await self.oauth.fetch_token(self.metadata["token_endpoint"], **said)
        return found

    async def ask(self, **form: str) -> httpx.Response:
        """The token endpoint, without the library: also what it would never send."""
        if self.secret is None:
            return await self.http.post("/oauth2/token", data={**form, "client_id": self.client_id})
        return await self.http.post("/oauth2/token", data=form, auth=(self.client_id, self.secret))

    async def take(self, code: str, /, **changed: str) -> httpx.Response:
        """Ask for tokens for this code."""
        said = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.ask(**{**said, "code": code} | changed)

    async def refresh(self, token: str, **more: str) -> httpx.Response:
        return await self.ask(grant_type="refresh_token", refresh_token=token, **more)

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.oauth.introspect_token(self.metadata["introspection_endpoint"], token=token)
        found: dict[str, Any] = answer.json()
        return found

    async def who(self, id_token: str) -> dict[str, Any]:
        """The claims of an ID token that is right by the rules of OpenID Connect."""
        keys = KeySet.import_key_set((await self.http.get(self.metadata["jwks_uri"])).json())
        token = jwt.decode(id_token, keys, algorithms=self.metadata["id_token_signing_alg_values_supported"])
        options = {
            "iss": {"essential": True, "value": self.metadata["issuer"]},
            "aud": {"essential": True, "value": self.client_id},
        }
        params = {"nonce": self.nonce, "client_id": self.client_id, "max_age": 1}
        now: datetime = self.clock()
        claims = CodeIDToken(token.claims, token.header, options, params)
        claims.validate(now=int(now.timestamp()))
        return dict(token.claims)


@asynccontextmanager
async def at(app: ASGIApp, issuer: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's connection to the shop, by its public name."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=issuer) as client:
        yield client


@asynccontextmanager
async def application(
    shop: Any,
    *scopes: str,
    kind: clients.Kind = "confidential",
    redirect_uris: Sequence[str] = (CALLBACK,),
    app: ASGIApp | None = None,
) -> AsyncIterator[Application]:
    """A new client of ``shop``, a harness or identity itself, which has discovered what it has to know."""
    service: Any = getattr(shop, "service", shop)
    given: Any = scopes or ("openid", "profile", "email", "phone", "offline_access", "account", "orders:read")
    uris = () if kind == "machine" else tuple(redirect_uris)
    new: Any = clients.New("Kettle Club", kind, uris, given)
    row, secret, _ = await clients.create(service, new, service.begins())
    transport = httpx.ASGITransport(app=app or service.app)
    oauth = AsyncOAuth2Client(
        row.id,
        secret,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
        transport=transport,
    )
    async with at(app or service.app, service.settings.shop_url) as http, oauth:
        metadata = (await http.get("/.well-known/openid-configuration")).json()
        yield Application(row.id, secret, oauth, http, metadata, service.world.clock)


@asynccontextmanager
async def trusted(shop: OpenShop) -> AsyncIterator[Person]:
    """An application that the administrator has let have all there is to have."""
    identity, app = shop.shop.services["identity"], shop.shop.app
    async with application(identity, *SCOPES, app=app) as client, at(app, "http://soko.test") as browser:
        visitor = await Visitor(browser).open(client.begin(" ".join(SCOPES)))
        await visitor.log_in("admin@soko.example", demo_password())
        given = await client.tokens(await visitor.allow())
        assert set(given["scope"].split()) == set(SCOPES)
        yield Person(shop.door, {"Authorization": f"Bearer {given['access_token']}"})
