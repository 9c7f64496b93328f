"""An OpenID provider on a port of this machine that says what a test has it say, the truth or a lie."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chassis.web import listen, web_server
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "soko", "a secret: + & %"
AMINA: dict[str, Any] = {
    "email": "amina@shop.example",
    "email_verified": True,
    "given_name": "Amina",
    "family_name": "W.",
}


def key(kid: str) -> ECKey:
    """A key to sign with."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


@dataclass
class StandIn:
    """``claims`` overwrite those of the id token (None: without it), ``also`` those of the provider's description.

    ``instead`` answers for a path: what it gives is what is sent.
    """

    issuer: str = ""
    subject: str = "amina-1"
    person: dict[str, Any] = field(default_factory=lambda: dict(AMINA))
    claims: dict[str, Any] = field(default_factory=dict)
    also: dict[str, Any] = field(default_factory=dict)
    in_token: bool = True
    key: ECKey = field(default_factory=lambda: key("first"))
    sign: Callable[[dict[str, Any]], str] | None = None
    instead: dict[str, Callable[[Request], Any]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def settings(self, name: str = "standin", **more: Any) -> dict[str, Any]:
        """As the shop's settings name it."""
        return {"name": name, "issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET, **more}

    def agree(self, login_url: str, **changes: str) -> dict[str, str]:
        """Somebody logs in there: the query that their browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(login_url).query).items()}
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer, **changes}

    def app(self) -> Starlette:
        """What is served."""
        paths = {
            "/.well-known/openid-configuration": self._described,
            "/jwks": self._keys,
            "/token": self._token,
            "/userinfo": self._userinfo,
        }
        return Starlette(
            routes=[Route(path, self._answer(path, do), methods=["GET", "POST"]) for path, do in paths.items()]
        )

    def _answer(self, path: str, do: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            self.asked.append(path)
            found = await self.instead.get(path, do)(request)
            return found if isinstance(found, Response) else JSONResponse(found)

        return answer

    async def _described(self, request: Request) -> Any:
        paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "userinfo_endpoint": "/userinfo"}
        described = {name: self.issuer + path for name, path in paths.items()}
        return {"issuer": self.issuer, **described, "jwks_uri": f"{self.issuer}/jwks", **self.also}

    async def _keys(self, request: Request) -> Any:
        keys: list[OctKey | RSAKey | ECKey | OKPKey] = [self.key]
        return KeySet(keys).as_dict()

    async def _token(self, request: Request) -> Any:
        form = await request.form()
        asked = self.codes.pop(str(form.get("code")), None)
        shown = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if shown != "soko:a+secret%3A+%2B+%26+%25":
            return JSONResponse({"error": "invalid_client"}, 401)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or form.get("redirect_uri") != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "aud": CLIENT, "sub": self.subject, "nonce": asked["nonce"]}
        claims |= {"iat": now, "exp": now + 60, **(self.person if self.in_token else {}), **self.claims}
        said = {name: value for name, value in claims.items() if value is not None}
        sign = self.sign or (lambda each: jwt.encode({"alg": "ES256", "kid": self.key.kid}, each, self.key))
        return {"access_token": "at", "token_type": "Bearer", "id_token": sign(said)}

    async def _userinfo(self, request: Request) -> Any:
        assert request.headers["authorization"] == "Bearer at"
        return {"sub": self.subject, **self.person}


async def slow(request: Request) -> Response:
    """Longer than anybody waits."""
    await asyncio.sleep(30)
    return PlainTextResponse("late")


async def huge(request: Request) -> Response:
    """More than anybody reads."""
    return JSONResponse({"keys": ["x" * 2**20]})


async def broken(request: Request) -> Response:
    """An outage."""
    return PlainTextResponse("we are sorry", 500)


async def nonsense(request: Request) -> Response:
    """A page for people."""
    return PlainTextResponse("<html>")


async def elsewhere(request: Request) -> Response:
    """A redirect to somebody else."""
    return RedirectResponse("http://127.0.0.1:1/keys")


@asynccontextmanager
async def standing_in() -> AsyncIterator[StandIn]:
    """One, as long as it lasts."""
    provider = StandIn()
    socket = listen("127.0.0.1", 0)
    provider.issuer = f"http://127.0.0.1:{socket.getsockname()[1]}"
    server = web_server(provider.app())
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        await server.ready.wait()
        yield provider
    finally:
        server.should_exit = server.force_exit = True
        await serving
