"""A part of the shop as a process that dies and comes back, and what a network makes of asking it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from chassis.faults import Crash, Faults
from chassis.http.errors import send_problem
from chassis.http.problems import unavailable
from starlette.types import Message, Receive, Scope, Send

from soko.simulation.lives import Died, Life
from soko.simulation.misfortune import Misfortune
from soko.simulation.stores import Kept

Step = Callable[[], Awaitable[int]]
SILENCE = 45.0
"""Seconds, longer than anybody listens."""
SLOW = 3.0
FLOWING = ("relay", "calls")
"""Steps that are others where loops hand on in memory. The worker's is not one: it would tell only whether more is due,
and whatever it wrote has to wake who looks for it."""
PROVIDER = "cardsim"
HEARING = "payment"


class Process:
    """One service, or the card gateway. ``make`` builds it anew, with its own points where it may crash.

    ``flowing``: its loops hand on in memory what they commit, as in a running shop; else each step begins with a look
    into the database, as after a restart.
    """

    def __init__(
        self, name: str, make: Callable[[Faults], Any], kept: Kept, misfortune: Misfortune, *, flowing: bool
    ) -> None:
        self.name, self._make, self._kept, self._misfortune = name, make, kept, misfortune
        self._flowing = flowing
        self.steps: dict[str, Step] = {}
        """What its loops do, to be driven one at a time."""
        self.life = Life(name)
        self.life.dead = True
        self._lives = [self.life]
        self.running = False
        self.part: Any = None
        self.broken: list[str] = []
        """Answers that no service may give: 500, or an exception that reached its caller."""

    async def start(self) -> int:
        """Begin a new life on what the last one left in the database. Raises what keeps it from starting."""
        self._kept.reclaim()
        life, part = Life(self.name), self._make(Faults(self._reached))
        self._lives.append(life)
        try:
            await life.do(part.open_database())
        except BaseException:
            life.die()
            raise
        # Not before: whoever asks or sends meanwhile must not reach what the last life has left.
        self.life, self.part = life, part
        self.steps = self._steps()
        self.running = True
        return 1

    def die(self) -> None:
        """kill -9."""
        self.running = False
        self.life.die()

    def bury(self) -> int:
        """Once all is quiet: end what dead lives had begun; how much that was."""
        ended = sum(life.bury() for life in self._lives)
        self._lives = [life for life in self._lives if not life.dead or ended]
        return ended

    @property
    def dead(self) -> bool:
        return self.life.dead

    def _steps(self) -> dict[str, Step]:
        part = self.part
        if self.name == PROVIDER:
            return {"bank": part.bank_once, "send": part.send_once}
        by_hand = {
            "relay": part.relay_once,
            "worker": part.work_once,
            "timers": part.timers_once,
            "calls": self._calls,
            "extra": part.extra_once,
            "jobs": part.jobs_once,
        }
        if not self._flowing:
            return by_hand
        return by_hand | {name: step for name, (step, _) in part.loops().items() if name in FLOWING}

    async def _calls(self) -> int:
        recorded: int = await self.part.calls_once(wait_all=False)
        return recorded

    def _reached(self, point: str) -> None:
        if self._misfortune.strikes("crash at a point", point):
            self.running = False
            raise Crash(f"{self.name} at {point}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask it: what a network and a death make of the answer is told as a proxy tells it."""
        provider = self.name == PROVIDER
        if not self.running or self._misfortune.strikes("request lost", self.name):
            await self._away(scope, send)
            return
        if provider and self._misfortune.strikes("provider silent"):
            await asyncio.sleep(SILENCE)
        if provider and self._misfortune.strikes("provider slow"):
            await asyncio.sleep(SLOW)
        body = await _whole(receive)
        answer = await self._answer(scope, body)
        if self.name == HEARING and "/webhooks/" in scope["path"] and self._misfortune.strikes("webhook twice"):
            answer = await self._answer(scope, body)
        if answer is None or self._misfortune.strikes("answer lost", self.name):
            await self._away(scope, send)
            return
        for message in answer:
            await send(message)

    async def _answer(self, scope: Scope, body: bytes) -> list[Message] | None:
        """What it answers; None when it dies before."""
        messages: list[Message] = []
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.get_running_loop().create_future()  # the client stays
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        try:
            await self.life.do(self._app(dict(scope), receive, send))
        except Died:
            return None
        except Exception as error:
            self.broken.append(f"{self.name} raised {error!r} at {scope['method']} {scope['path']}")
            return None
        if messages and messages[0].get("status") == 500:
            self.broken.append(f"{self.name} answered 500 at {scope['method']} {scope['path']}")
        return messages

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.part.app(scope, receive, send)

    async def _away(self, scope: Scope, send: Send) -> None:
        await send_problem(scope, send, unavailable(self.name))


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)
