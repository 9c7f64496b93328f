"""Sessions, clients and users whose access tokens no longer count: an in-memory copy of identity's list, polled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from chassis.http.tokens import Claims

EVERY: Final = timedelta(seconds=2)
KEPT: Final = timedelta(days=1)
"""Longer than any access token lives, so that what is dropped could not be used anyway."""

log = logging.getLogger(__name__)

FetchRevocations = Callable[[int], Awaitable[Mapping[str, Any]]]
"""Answers ``{"position": n, "sessions": [id], "users": [{"id", "before"}]}``: what came after the given position.

A deleted client stands among the sessions, and with it ends all that was given to it. ``before`` is in unix seconds:
tokens of that user issued earlier are void. Raises when identity cannot be reached.
"""


class Revocations:
    """What identity has revoked. While it cannot be reached, the last list stands."""

    def __init__(self, fetch: FetchRevocations, clock: Callable[[], datetime]) -> None:
        self._fetch, self._clock = fetch, clock
        self._position = 0
        self._sessions: dict[str, float] = {}
        self._users: dict[str, float] = {}
        self._reached = True

    def covers(self, claims: Claims) -> bool:
        """Whether the token that says ``claims`` was revoked."""
        if claims.session_id in self._sessions or claims.client_id in self._sessions:
            return True
        return claims.user_id in self._users and claims.issued_at < self._users[claims.user_id]

    async def poll_once(self) -> bool:
        """Ask until there is nothing new: an answer may bring a part of the list. False where identity is away."""
        while True:
            before = self._position
            try:
                news = await self._fetch(before)
                position = int(news["position"])
            except Exception as error:
                # Told once an outage, not at every poll.
                log.log(logging.WARNING if self._reached else logging.DEBUG, "revocations could not be read: %r", error)
                self._reached = False
                return False
            self._reached = True
            self._take(news)
            # A position behind ours means that identity was set up anew: its whole list is read again.
            self._position = position if position >= before else 0
            if self._position == before:
                return True

    async def run(self) -> None:
        """Poll every two seconds until cancelled."""
        while True:
            await self.poll_once()
            await asyncio.sleep(EVERY.total_seconds())

    def _take(self, news: Mapping[str, Any]) -> None:
        now = self._clock()
        self._sessions.update(dict.fromkeys(news.get("sessions", ()), now.timestamp()))
        for user in news.get("users", ()):
            self._users[user["id"]] = max(float(user["before"]), self._users.get(user["id"], 0.0))
        self._forget((now - KEPT).timestamp())

    def _forget(self, before: float) -> None:
        for known in (self._sessions, self._users):
            for name in [name for name, at in known.items() if at < before]:
                del known[name]
