"""Asking the services for operators: all side by side, and who does not answer is named."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from chassis.context import Context
from chassis.http import NOT_FOUND, Caller, PeerAnswer, Peers, Problem, current_service, request_context
from fastapi import Depends, Request

log = logging.getLogger(__name__)

WITHIN: Final = 5.0
"""Seconds that a service has to answer before it counts as away."""

ServiceName = Literal["identity", "catalog", "cart", "inventory", "payment", "order", "notification"]

MISSING: Final = "The services that could not be asked: what they know is not here."


class Services:
    """The services with a database, those of them that this shop runs."""

    def __init__(self, peers: Peers, names: Iterable[str]) -> None:
        self.peers = Peers(peers.apps, peers.tokens, within=WITHIN)
        self.names = tuple(names)


@dataclass(frozen=True, slots=True)
class Asking:
    """One operator's request."""

    request: Request
    services: Services
    context: Context
    caller: Caller

    async def all(self, path: str, names: Sequence[str] | None = None) -> tuple[dict[str, Any], list[str]]:
        """What each service answers to GET ``path``, by its name; and the names of those that did not answer."""
        asked = [name for name in self.services.names if not names or name in names]
        answers = await asyncio.gather(*(self._ask(name, path) for name in asked))
        by_name = dict(zip(asked, answers, strict=True))
        return (
            {name: answer.json() for name, answer in by_name.items() if answer is not None},
            [name for name, answer in by_name.items() if answer is None],
        )

    async def _ask(self, name: str, path: str) -> PeerAnswer | None:
        try:
            answer = await self.one("GET", name, path)
        except Problem as problem:
            log.warning("%s does not tell operators what it knows: %s", name, problem)
            return None
        return answer

    async def one(self, method: str, name: str, path: str, json: Any = None) -> PeerAnswer:
        """What one service answers. Raises its problem, 503 or 504 where it is away, 404 where there is none."""
        if name not in self.services.names:
            raise Problem(NOT_FOUND, f"There is no service {name}.")
        answer = await self.services.peers.request(
            method, name, f"/internal/v1{path}", json=json, caller=self.caller, context=self.context
        )
        if not answer.ok:
            raise answer.problem()
        return answer


def asking(access: Any) -> Any:
    """``ask: Asking = Depends(asking(right("ops:read")))``: the route's access, and what serves the request."""

    async def made(
        request: Request,
        caller: Caller = Depends(access),
        services: Services = Depends(current_service),
        context: Context = Depends(request_context),
    ) -> Asking:
        return Asking(request, services, context, caller)

    return made


def segment(text: str) -> str:
    """``text`` as one part of a path."""
    return quote(text, safe="")
