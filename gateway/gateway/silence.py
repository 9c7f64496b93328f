"""The limit on how long a service in this process may stay silent; one behind the network has it in its proxy."""

import asyncio
from typing import Final

from chassis.http.errors import send_problem
from chassis.http.problems import silent
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SILENT_FOR: Final = 30.0


class Heard:
    """Wraps a service's app: 504 when it takes a request and says nothing; event streams and uploads count silence."""

    def __init__(self, name: str, app: ASGIApp, silence: float = SILENT_FOR) -> None:
        self.name, self.app, self.silence = name, app, silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        started = False

        async def moved(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)
            _again(limit, loop.time() + self.silence)

        async def read() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                _again(limit, loop.time() + self.silence)
            return message

        try:
            async with asyncio.timeout(self.silence) as limit:
                await self.app(scope, read, moved)
        except TimeoutError:
            if started or not limit.expired():
                raise
            await send_problem(scope, send, silent(self.name))


def _again(limit: asyncio.Timeout, when: float) -> None:
    if not limit.expired():
        limit.reschedule(when)
