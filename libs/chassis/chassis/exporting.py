"""What a service keeps about a person, told to that person: identity asks every service, and puts it together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, Path
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.http.app import current_service
from chassis.http.auth import Peer, service_only
from chassis.http.bodies import Answer
from chassis.http.routing import Router

MOST: Final = 1000
"""Rows of one list that are told: the newest. What is cut off is said."""


@dataclass(frozen=True, slots=True)
class Told:
    """One list about a person: ``rows`` selects theirs by their id, the newest first, ``show`` makes of a row what they
    are shown: no secret and nothing about anybody else."""

    rows: Callable[[str], sa.Select[Any]]
    show: Callable[[Mapping[str, Any]], Any] = dict


class Export(Answer):
    """The lists of one service; ``truncated`` names those of which only the newest ``MOST`` are here."""

    lists: dict[str, list[Any]]
    truncated: list[str]


async def told(sql: AsyncConnection, lists: Mapping[str, Told], user_id: str) -> Export:
    """All of them, as this connection sees them."""
    found, truncated = dict[str, list[Any]](), list[str]()
    for name, each in lists.items():
        rows = (await sql.execute(each.rows(user_id).limit(MOST + 1))).mappings().all()
        found[name] = [each.show(row) for row in rows[:MOST]]
        truncated += [name] if len(rows) > MOST else []
    return Export(lists=found, truncated=truncated)


def route(lists: Mapping[str, Told]) -> Router:
    """The route by which a service answers for its own data."""
    router = Router(prefix="/internal/v1", tags=["Internal"])

    @router.get("/users/{user_id}/export", operation_id="internal_export", summary="What is kept about a user")
    async def internal_export(
        user_id: Annotated[str, Path(pattern=r"^[0-9a-fA-F-]{36}$")],
        _: Peer = Depends(service_only),
        service: Any = Depends(current_service),
    ) -> Export:
        async with service.database.engine.connect() as sql:
            return await told(sql, lists, user_id)

    return router
