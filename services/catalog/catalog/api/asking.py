"""One request about the catalog: who asks, what serves it, and its answer as ready bytes with their tag."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final

from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Caller,
    Precondition,
    Problem,
    Tags,
    anyone,
    current_service,
    precondition,
    replayed,
    request_context,
    right,
    tagging,
)
from chassis.http.etag import names
from chassis.service import Service
from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.api.bodies import ONE_LINE
from catalog.cache import Answers, Ready
from catalog.fast import STAFF

IdOrSlug = Annotated[str, StringConstraints(max_length=100, pattern=ONE_LINE), Path(description="The id or the slug.")]
Id = Annotated[str, StringConstraints(max_length=100, pattern=ONE_LINE), Path()]

Read = Callable[[], Awaitable[Ready]]


class Renamed(Exception):
    """The slug asked for is a former one: what had it is found under ``slug`` now."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Asking:
    """A request to see something."""

    request: Request
    caller: Caller
    service: Service
    answers: Answers
    """What this replica keeps ready."""

    @property
    def staff(self) -> bool:
        """Whether the caller sees drafts, archived products and variants off sale."""
        return self.caller.may(STAFF)

    @property
    def currency(self) -> str:
        """The shop's."""
        return currency_of(self.service)

    def sql(self) -> AsyncConnection:
        """A connection to read on: ``async with ask.sql() as sql``."""
        return self.service.database.engine.connect()

    async def public(self, read: Read, *, shared: bool = True) -> Response:
        """What everyone sees: kept for all who ask the same, by replicas in common unless it tells of people."""
        scope = self.request.scope
        try:
            return self.reply(await self.answers.make((scope["path"], scope["query_string"]), read, shared=shared))
        except Renamed as renamed:
            return self._moved(renamed.slug)

    async def seen(self, read: Read, *, shared: bool = True) -> Response:
        """What staff see more of than everyone: for them it is never kept."""
        if not self.staff:
            return await self.public(read, shared=shared)
        try:
            return self.reply(await read())
        except Renamed as renamed:
            return self._moved(renamed.slug)

    def _moved(self, slug: str) -> Response:
        """A redirect to the same path with the slug of now. Nobody keeps it: the old name may come back."""
        parts = self.request.scope["path"].split("/")
        query = self.request.url.query
        to = "/".join([*parts[:4], slug, *parts[5:]]) + (f"?{query}" if query else "")
        return Response(status_code=301, headers={"Location": to, "Cache-Control": "no-cache"})

    def reply(self, ready: Ready, status: int = 200) -> Response:
        """The answer with its tag; 304 where a read asks for another than this one."""
        headers = {"ETag": ready.etag.decode(), "Cache-Control": "no-cache"}
        given = self.request.headers.getlist("if-none-match")
        if self.request.method == "GET" and given and names(given, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(ready.body, status, headers, "application/json")


@dataclass(frozen=True, slots=True)
class Editing(Asking):
    """A request to change something, by somebody who may."""

    context: Context
    known: Precondition = field(default_factory=Precondition)

    def made(self, ready: Ready, path: str, *, again: bool, status: int = 201) -> Response:
        """The answer that shows what was made, now or by an earlier request with the same key, and where it is."""
        response = self.reply(ready, status)
        response.headers["Location"] = path
        if again:
            replayed(response)
        return response


async def asking(
    request: Request,
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    _: Tags = Depends(tagging),
) -> Asking:
    """``ask: Asking = Depends(asking)``: for reads."""
    return Asking(request, caller, service, request.app.state.answers)


async def editing(
    request: Request,
    caller: Caller = Depends(right(STAFF)),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
    _: Tags = Depends(tagging),
) -> Editing:
    """``edit: Editing = Depends(editing)``: for what makes something."""
    return Editing(request, caller, service, request.app.state.answers, context)


async def changing(edit: Editing = Depends(editing), known: Precondition = Depends(precondition)) -> Editing:
    """``edit: Editing = Depends(changing)``: for what changes something that the client has seen."""
    return replace(edit, known=known)


def as_json(model: BaseModel) -> bytes:
    """The one place where answers become bytes."""
    return model.model_dump_json().encode()


def currency_of(service: Service) -> str:
    """The shop's."""
    return service.settings.shop_currency


MOVED: Final[dict[int | str, dict[str, Any]]] = {
    301: {
        "description": "It was renamed: `Location` has the slug of now.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}
"""``responses=`` of a read by id or slug."""


def missing(what: str) -> Problem:
    """404."""
    return Problem(NOT_FOUND, f"There is no such {what}.")
