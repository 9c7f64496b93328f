"""Test fixtures on real parts, as a pytest plugin: an embedded PostgreSQL, fresh databases, a running service.

A ``Harness`` is one service with its own database, a clock the test owns, and a courier that writes down what was sent.
Nothing runs by itself: ``deliver`` and ``settle`` drive the steps, so a test knows when everything has come to rest.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from soko_contracts import Envelope, parse
from soko_contracts.registry import Message
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from chassis.codec import encode_opening, members
from chassis.courier import Receive
from chassis.http import Peers
from chassis.migrations import migrate
from chassis.servers.folder_for_tests import folder_for_tests
from chassis.servers.postgres import EmbeddedPostgres
from chassis.service import Service
from chassis.settings import Settings
from chassis.world import World, new_id

KID = "test-key"
INTERNAL_KEY = "the tests' own internal key, 32 characters"


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """Wait until ``condition`` answers something true, and answer that. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110 - what is awaited lives in other processes
            await asyncio.sleep(0.05)
        return found


class Clock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


class Recorder:
    """A courier that keeps what it was given, and hands nothing on."""

    connected = True

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        self.envelopes += envelopes

    def subscribe(self, subscriber: str, types: Collection[str], receive: Receive) -> None:
        pass


@dataclass
class Identity:
    """Stands where identity would: signs tokens, publishes its key, revokes nothing."""

    clock: Clock
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def token(
        self, user_id: str = "", role: str = "customer", rights: Collection[str] = (), session_id: str = "s-1"
    ) -> str:
        """An access token as identity would sign it."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": "soko",
            "aud": "soko",
            "sub": user_id or new_id(),
            "sid": session_id,
            "role": role,
            "scope": " ".join(sorted(rights)),
            "iat": now,
            "exp": now + 900,
            "jti": new_id(),
        }
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": KID})

    def app(self) -> ASGIApp:
        """The two routes every service asks of identity."""
        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        keys = {"keys": [{**jwk, "kid": KID, "alg": "EdDSA", "use": "sig"}]}

        async def jwks(request: Request) -> JSONResponse:
            return JSONResponse(keys)

        async def revocations(request: Request) -> JSONResponse:
            return JSONResponse({"position": 0, "sessions": [], "users": []})

        routes = [Route("/.well-known/jwks.json", jwks), Route("/internal/v1/revocations", revocations)]
        return Starlette(routes=routes)


@dataclass
class Harness:
    """One service under test."""

    service: Service
    clock: Clock
    recorder: Recorder
    identity: Identity
    peers: dict[str, ASGIApp]
    client: httpx.AsyncClient
    _sequence: int = 0

    @property
    def sent(self) -> list[Any]:
        """The messages that left the service, in order."""
        return [parse(envelope.type, envelope.data) for envelope in self.recorder.envelopes]

    def token(self, user_id: str = "", role: str = "customer", rights: Collection[str] = ()) -> str:
        """An access token."""
        return self.identity.token(user_id, role, rights)

    def bearer(self, user_id: str = "", role: str = "customer", rights: Collection[str] = ()) -> dict[str, str]:
        """The header of a request with such a token."""
        return {"Authorization": f"Bearer {self.token(user_id, role, rights)}"}

    def service_token(self, name: str) -> dict[str, str]:
        """The header of a request from another service."""
        from chassis.http import ServiceTokens
        from chassis.http.service_tokens import HEADER

        return {HEADER: ServiceTokens(name, INTERNAL_KEY, self.clock).own()}

    def envelope(self, message: Message, *, subject: str, sequence: int | None = None) -> Envelope:
        """A message as another service would send it."""
        self._sequence += 1
        id_ = new_id()
        return Envelope(
            id=id_,
            source=message.TYPE.partition(".")[0],
            type=message.TYPE,
            time=self.clock(),
            subject=subject,
            partitionkey=subject,
            sequence=self._sequence if sequence is None else sequence,
            correlationid=id_,
            causationid=id_,
            data=encode_opening(message, members),
        )

    async def deliver(self, *messages: Any, subject: str, sequence: int | None = None) -> None:
        """Receive messages and work until all is quiet."""
        await self.service.receive([self.envelope(one, subject=subject, sequence=sequence) for one in messages])
        await self.settle()

    async def settle(self) -> None:
        """Drive every step until none has anything left to do at this time of the clock."""
        service = self.service
        while sum(
            [
                await service.timers_once(),
                await service.work_once(),
                await service.calls_once(),
                await service.relay_once(),
                await service.extra_once(),
            ]
        ):
            pass


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL for this test run. Its files are gone afterwards, so it need not wait for the disk."""
    with folder_for_tests() as home:
        server = EmbeddedPostgres(home, {"fsync": "off", "max_connections": "500"})
        server.start()
        yield server
        server.stop()


async def fresh_database(server: EmbeddedPostgres, name: str = "") -> str:
    """The URL of a new, empty database."""
    name = name or f"test_{new_id().replace('-', '')}"
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    return server.url(name)


async def copied_database(server: EmbeddedPostgres, template: str) -> str:
    """The URL of a new database with all that another has, to which nobody is connected."""
    name = f"test_{new_id().replace('-', '')}"
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(f'create database "{name}" template "{template}" strategy file_copy')
    finally:
        await connection.close()
    return server.url(name)


async def drop_database(server: EmbeddedPostgres, url: str) -> None:
    """Whoever still is connected loses it. A thousand databases left to the end take minutes to delete."""
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(f'drop database "{urlsplit(url).path[1:]}" with (force)')
    finally:
        await connection.close()


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres) -> str:
    """A new, empty database."""
    return await fresh_database(postgres)


@pytest.fixture
def clock() -> Clock:
    """A clock the test owns."""
    return Clock()


Build = Callable[[Any, World], Service]


class Templates:
    """Migrates each service once a run; every test's database is a copy of that."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._made: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def copy(self, service: Service) -> str:
        """The URL of a migrated database for this service."""
        async with self._lock:
            template = self._made.get(service.migrations)
            if template is None:
                template = f"template_{service.name}"
                await migrate(await fresh_database(self.server, template), service.migrations)
                self._made[service.migrations] = template
            return await copied_database(self.server, template)


@pytest.fixture(scope="session")
def templates(postgres: EmbeddedPostgres) -> Templates:
    """Migrated databases to copy."""
    return Templates(postgres)


@pytest.fixture
def running(templates: Templates, clock: Clock) -> Callable[..., Any]:
    """``async with running(build, OrderSettings, payment_window=…) as harness``."""

    @asynccontextmanager
    async def run(
        build: Build, settings_class: type[Settings], *, peers: dict[str, ASGIApp] | None = None, **settings: Any
    ) -> AsyncIterator[Harness]:
        identity, recorder = Identity(clock), Recorder()
        apps: dict[str, ASGIApp] = {"identity": identity.app(), **(peers or {})}
        given = {"soko_env": "testing", "soko_internal_key": SecretStr(INTERNAL_KEY), **settings}
        world = World(courier=recorder, peers=Peers(apps), clock=clock)
        template = build(settings_class(**given), world)
        url = await templates.copy(template)
        service = build(settings_class(**given).on(url), world)
        apps.setdefault(service.name, service.app)
        await service.open_database()
        transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://soko") as client:
                yield Harness(service, clock, recorder, identity, apps, client)
        finally:
            await service.stop()
            await drop_database(templates.server, url)

    return run
