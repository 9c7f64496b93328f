"""The limit on how long a service in this process may stay silent; one behind the network has it in its proxy."""

import asyncio
from typing import Final

from chassis.http.errors import send_problem
from chassis.http.problems import silent
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SILENT_FOR: Final = 30.0
STEP: Final = 1 / 30
"""The limit is moved on by such parts of it, not by each message, and is longer by one: timers cost the most here."""


class Heard:
    """Wraps a service's app: 504 when it takes a request and says nothing; event streams and uploads count silence."""

    def __init__(self, name: str, app: ASGIApp, silence: float = SILENT_FOR) -> None:
        self.name, self.app, self.silence = name, app, silence
        self._patience = silence * (1 + STEP)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = asyncio.get_running_loop().time
        started = False

        async def moved(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)
            self._again(limit, now())

        async def read() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self._again(limit, now())
            return message

        try:
            async with asyncio.timeout(self._patience) as limit:
                await self.app(scope, read, moved)
        except TimeoutError:
            if started or not limit.expired():
                raise
            await send_problem(scope, send, silent(self.name))

    def _again(self, limit: asyncio.Timeout, now: float) -> None:
        ends = limit.when()
        if ends is not None and ends - now < self.silence and not limit.expired():
            limit.reschedule(now + self._patience)
