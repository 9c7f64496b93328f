"""``Idempotency-Key``, the HTTP side; the effect's transaction keeps what comes of it."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal, overload

from fastapi import Request, Response

from chassis.http.auth import Authentication, authenticate
from chassis.http.problems import IDEMPOTENCY_KEY_REQUIRED, Problem, invalid
from chassis.once import Once

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 255


@overload
def idempotency(required: Literal[True]) -> Callable[[Request], Awaitable[Once]]: ...
@overload
def idempotency(required: bool = False) -> Callable[[Request], Awaitable[Once | None]]: ...
def idempotency(required: bool = False) -> Callable[[Request], Awaitable[Once | None]]:
    """The request's ``Once``: ``once: Once | None = Depends(idempotency())``.

    None without the header, and where the caller has neither bearer nor cart token. With ``required`` those are 400
    and 401 instead.
    """
    return _required if required else _optional


async def _required(request: Request) -> Once:
    once = await _optional(request)
    if once is None:
        (await authenticate(request)).key  # noqa: B018 - raises 401 for a caller that nothing names
        raise Problem(IDEMPOTENCY_KEY_REQUIRED, f"Send an {HEADER} header.")
    return once


async def _optional(request: Request) -> Once | None:
    keys = request.headers.getlist(HEADER)
    if not keys:
        return None
    if len(keys) > 1:
        raise invalid(f"/header/{HEADER}", "must be sent once")
    if not 1 <= len(keys[0]) <= LONGEST:
        raise invalid(f"/header/{HEADER}", f"must have 1 to {LONGEST} characters")
    if not (keys[0].isascii() and keys[0].isprintable()):
        raise invalid(f"/header/{HEADER}", "must be printable ASCII")
    caller = await authenticate(request)
    if not caller.known:
        return None
    authentication: Authentication = request.app.state.authentication
    body_hash = authentication.service_tokens.digest(request.scope["query_string"] + b"\n" + await request.body())
    return Once(caller.key, f"{request.method} {request.scope['path']}", keys[0], body_hash)


def replayed(response: Response) -> None:
    """Say that the answer is that of an earlier request."""
    response.headers["Idempotency-Replayed"] = "true"
