"""Lists: pages, cursors and their links, ordering; the same rules on every list of the shop."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from chassis.http.problems import invalid

T = TypeVar("T")

DEFAULT: Final = 20
MOST: Final = 100
LAST_ROW: Final = 10_000
"""Pages end here; beyond it a cursor goes on."""

_MODES = ("page", "page_size", "limit", "offset", "cursor")


class Listing(BaseModel, Generic[T]):
    """One page. ``next`` and ``previous`` are relative URLs."""

    model_config = ConfigDict(frozen=True)

    items: list[T]
    total: int | None = Field(
        description="How many there are in all; null where there are more than 10,000, and behind a cursor."
    )
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Paging:
    """Which rows were asked for. ``cursor`` is None on pages, and the values to go on behind (maybe none) else."""

    limit: int
    offset: int
    by: str
    cursor: tuple[Any, ...] | None = None

    def answer(
        self, items: Sequence[T], total: int | None, request: Request, *, last: Sequence[Any] | None = None
    ) -> Listing[T]:
        """The page of ``items``, of ``total`` rows in all: None says that there are more than pages reach.

        ``last`` is for lists with a cursor: the ordering values of the last item, id included, where rows follow it
        (behind a cursor: read one row more than ``limit`` to know).
        """
        following = previous = None
        if self.cursor is not None:
            following = _link(request, cursor=encode(last), **self._size()) if last else None
            return Listing.model_construct(items=list(items), total=None, next=following, previous=None)
        end = self.offset + len(items)
        if items and (total is None or end < total):
            if end + self.limit <= LAST_ROW:
                following = self._page(request, end)
            elif last:
                following = _link(request, cursor=encode(last), **self._size())
        if self.offset > 0:
            previous = self._page(request, max(0, self.offset - self.limit))
        return Listing.model_construct(items=list(items), total=total, next=following, previous=previous)

    def _page(self, request: Request, offset: int) -> str:
        if self.by == "page":
            return _link(request, page=str(offset // self.limit + 1), page_size=str(self.limit))
        return _link(request, limit=str(self.limit), offset=str(offset))

    def _size(self) -> dict[str, str]:
        return {"limit": str(self.limit)}


def _link(request: Request, **parameters: str) -> str:
    others = [(name, value) for name, value in parse_qsl(request.url.query) if name not in _MODES]
    return f"{request.url.path}?{urlencode([*others, *parameters.items()])}"


Size = Annotated[int | None, Query(ge=1, le=MOST)]


def paging(*, cursor: bool = False) -> Callable[..., Awaitable[Paging]]:
    """``paging: Paging = Depends(paging())``; with ``cursor=True`` the list also takes ``?cursor=``."""
    return _with_cursor if cursor else _pages


async def _pages(
    page: Annotated[int | None, Query(ge=1, description="From 1.")] = None,
    page_size: Size = None,
    limit: Size = None,
    offset: Annotated[int | None, Query(ge=0)] = None,
) -> Paging:
    by_page, by_offset = page is not None or page_size is not None, limit is not None or offset is not None
    if by_page and by_offset:
        raise invalid(
            "/query/limit" if limit is not None else "/query/offset", "must not be mixed with page, page_size"
        )
    size = (limit if by_offset else page_size) or DEFAULT
    start = (offset or 0) if by_offset else ((page or 1) - 1) * size
    if start + size > LAST_ROW:
        raise invalid(
            "/query/offset" if by_offset else "/query/page",
            f"must end at row {LAST_ROW} at the latest",
        )
    return Paging(size, start, "offset" if by_offset else "page")


async def _with_cursor(
    page: Annotated[int | None, Query(ge=1, description="From 1.")] = None,
    page_size: Size = None,
    limit: Size = None,
    offset: Annotated[int | None, Query(ge=0)] = None,
    cursor: Annotated[str | None, Query(max_length=1000, description="From `next`; empty starts at the top.")] = None,
) -> Paging:
    if cursor is None:
        return await _pages(page, page_size, limit, offset)
    if page is not None or offset is not None:
        raise invalid("/query/cursor", "must not be mixed with page or offset")
    if page_size is not None and limit is not None:
        raise invalid("/query/limit", "must not be mixed with page, page_size")
    return Paging(limit or page_size or DEFAULT, 0, "cursor", decode(cursor))


def encode(values: Sequence[Any]) -> str:
    """The cursor behind a row with these ordering values: text, numbers, booleans, None or datetimes."""
    plain = [{"at": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).rstrip(b"=").decode()


def decode(cursor: str) -> tuple[Any, ...]:
    """The values in a cursor. A 422 on one that this shop did not make."""
    if not cursor:
        return ()
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(values, list):
            raise TypeError
        return tuple(datetime.fromisoformat(each["at"]) if isinstance(each, dict) else each for each in values)
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise invalid("/query/cursor", "must be one that next gave") from None


def ordering(*columns: str, default: str) -> Callable[..., Awaitable[list[tuple[str, bool]]]]:
    """``order = Depends(ordering("price", "created_at", default="-created_at"))``: (name, descending) pairs.

    ``id`` comes last by itself, in the direction of the one before it, so that ties always stand the same way.
    """
    known = frozenset(columns)
    description = f"Comma-separated, `-` for descending: {', '.join(columns)}. `{default}` by default."

    async def asked(
        ordering: Annotated[str, Query(max_length=200, description=description)] = default,
    ) -> list[tuple[str, bool]]:
        wanted: list[tuple[str, bool]] = []
        for part in ordering.split(","):
            name = part.strip()
            descending, name = name.startswith("-"), name.removeprefix("-")
            if name not in known or any(name == other for other, _ in wanted):
                raise invalid("/query/ordering", f"must name each of {', '.join(columns)} at most once")
            wanted.append((name, descending))
        if wanted[-1][0] != "id":
            wanted.append(("id", wanted[-1][1]))
        return wanted

    return asked
