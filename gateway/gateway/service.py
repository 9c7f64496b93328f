"""The gateway, composed."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from chassis.http import Authentication, Keys, Peers, Revocations, ServiceTokens, Verifier
from chassis.http.upstream import Upstream
from chassis.world import utc_now
from starlette.types import ASGIApp

from gateway.app import Gateway
from gateway.documents import Documents
from gateway.health import Health
from gateway.operators import operators
from gateway.pages import Pages
from gateway.routes import CARDSIM, OPERATORS
from gateway.settings import Settings

KEYS_AGAIN = 0.5
"""Seconds between tries until identity's keys are there."""


class Door:
    """``app`` answers; between ``start`` and ``stop`` it follows identity's keys and revocations."""

    def __init__(
        self,
        settings: Settings,
        upstreams: Mapping[str, ASGIApp],
        clock: Callable[[], datetime],
        documents: Documents,
    ) -> None:
        tokens = ServiceTokens("gateway", settings.soko_internal_key.get_secret_value(), clock)
        self._peers = Peers(upstreams, tokens)
        self.keys = Keys(self._jwks, clock)
        self.revocations = Revocations(self._revoked, clock)
        authentication = Authentication(Verifier(self.keys, clock), self.revocations, tokens)
        pages = Pages(settings, documents, Health(self.keys, self._peers, upstreams))
        asked = operators(self._peers, [name for name in upstreams if name != CARDSIM], authentication)
        self.app = Gateway(settings, {**upstreams, OPERATORS: asked}, authentication, pages)
        self._connections = {app.connections for app in upstreams.values() if isinstance(app, Upstream)}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to follow identity; it need not be there yet."""
        self._tasks = [
            asyncio.create_task(self._learn_keys(), name="gateway.keys"),
            asyncio.create_task(self.revocations.run(), name="gateway.revocations"),
        ]

    async def stop(self) -> None:
        """Stop following, and close what is open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connections in self._connections:
            await connections.close()
        await self.app.close()

    async def _learn_keys(self) -> None:
        while not await self.keys.refresh():  # noqa: ASYNC110 - only asking tells whether identity is up
            await asyncio.sleep(KEYS_AGAIN)

    async def _jwks(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (await self._peers.get("identity", "/.well-known/jwks.json")).json()
        return found

    async def _revoked(self, after: int) -> Mapping[str, Any]:
        answer = await self._peers.get("identity", f"/internal/v1/revocations?after={after}")
        found: Mapping[str, Any] = orjson.loads(answer.body)
        return found


def build(
    settings: Settings,
    upstreams: Mapping[str, ASGIApp],
    clock: Callable[[], datetime] = utc_now,
    documents: Documents | None = None,
) -> Door:
    """The gateway in front of ``upstreams``: services by name, in this process or behind the network."""
    return Door(settings, upstreams, clock, documents or Documents())
