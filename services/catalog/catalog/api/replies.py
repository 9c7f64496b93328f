"""Answers as ready bytes with their tags; who sees more than the public; and what a write is checked against."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from chassis.http import NOT_FOUND, PRECONDITION_FAILED, Caller, Problem
from chassis.service import Service
from fastapi import Path, Request, Response
from pydantic import BaseModel, StringConstraints

from catalog.api.bodies import ONE_LINE
from catalog.cache import Answers, Ready
from catalog.fast import STAFF, names

IdOrSlug = Annotated[str, StringConstraints(max_length=100, pattern=ONE_LINE), Path(description="The id or the slug.")]
Id = Annotated[str, StringConstraints(max_length=100, pattern=ONE_LINE), Path()]


async def answers_of(request: Request) -> Answers:
    """``answers: Answers = Depends(answers_of)``: what this replica keeps ready."""
    found: Answers = request.app.state.answers
    return found


def is_staff(caller: Caller) -> bool:
    """Whether the caller sees drafts, archived products and variants off sale."""
    return caller.may(STAFF)


def as_json(model: BaseModel) -> bytes:
    """The one place where answers become bytes."""
    return model.model_dump_json().encode()


async def public(request: Request, answers: Answers, read: Callable[[], Awaitable[Ready]]) -> Response:
    """What everyone sees: kept, and shared by all who ask the same."""
    scope = request.scope
    return reply(request, await answers.make((scope["path"], scope["query_string"]), read))


def reply(request: Request, ready: Ready, status: int = 200, location: str | None = None) -> Response:
    """The answer with its tag; 304 where a read asks for another than this one."""
    headers = {"ETag": ready.etag.decode(), "Cache-Control": "no-cache"}
    if location:
        headers["Location"] = location
    given = [value.encode() for value in request.headers.getlist("if-none-match")]
    if request.method == "GET" and given and names(given, ready.etag):
        return Response(status_code=304, headers=headers)
    return Response(ready.body, status, headers, "application/json")


def check_if_match(request: Request, sequence: int) -> None:
    """412 where If-Match names no tag of this version.

    Only the version counts, not the rest of the tag: that a product sold out meanwhile is no reason to refuse a price.
    """
    given = request.headers.getlist("if-match")
    tags = [part.strip().removeprefix("W/") for header in given for part in header.split(",")]
    if tags and "*" not in tags and not any(tag.startswith(f'"{sequence}-') for tag in tags):
        raise Problem(PRECONDITION_FAILED)


def currency_of(service: Service) -> str:
    """The shop's."""
    return service.settings.shop_currency


def missing(what: str) -> Problem:
    """404."""
    return Problem(NOT_FOUND, f"There is no such {what}.")
