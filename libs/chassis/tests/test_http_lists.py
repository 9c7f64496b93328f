"""Pages, cursors, their links, ordering."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from chassis.http import Caller, Listing, Paging, Router, anyone, create_app, ordering, paging
from chassis.http.lists import decode, encode
from fastapi import Depends, Query, Request

ROWS = 10_350
router = Router(prefix="/api/v1")


@router.get("/numbers", operation_id="list_numbers", summary="Numbers")
async def numbers(
    request: Request,
    caller: Caller = Depends(anyone),
    page: Paging = Depends(paging(cursor=True)),
    parity: list[str] | None = Query(None),
) -> Listing[int]:
    start = page.offset
    if page.cursor:
        start = page.cursor[0] + 1
    items = list(range(start, min(start + page.limit, ROWS)))
    last = (items[-1],) if items and items[-1] < ROWS - 1 else None
    return page.answer(items, ROWS if page.cursor is None else None, request, last=last)


@router.get("/few", operation_id="list_few", summary="Few")
async def few(request: Request, caller: Caller = Depends(anyone), page: Paging = Depends(paging())) -> Listing[int]:
    return page.answer(range(page.offset, min(page.offset + page.limit, 45)), 45, request)


@router.get("/sorted", operation_id="list_sorted", summary="Sorted")
async def in_order(
    caller: Caller = Depends(anyone),
    order: list[tuple[str, bool]] = Depends(ordering("price", "created_at", default="-created_at")),
) -> list[tuple[str, bool]]:
    return order


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("lists", [router], state={"authentication": None, "service": None})
    app.state.authentication = Nobody()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


class Nobody:
    """Authentication where no one has logged in."""

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        return Caller()


async def test_a_page_has_twenty_items_and_links_that_keep_the_filter(client: httpx.AsyncClient) -> None:
    first = (await client.get("/api/v1/few")).json()
    assert first["items"] == list(range(20))
    assert (first["total"], first["previous"]) == (45, None)
    assert first["next"] == "/api/v1/few?page=2&page_size=20"
    second = (await client.get(first["next"])).json()
    assert second["previous"] == "/api/v1/few?page=1&page_size=20"
    last = (await client.get(second["next"])).json()
    assert last["items"] == list(range(40, 45))
    assert last["next"] is None


async def test_links_keep_to_the_kind_of_paging_that_was_asked(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/v1/few?limit=10&offset=15")).json()
    assert answer["next"] == "/api/v1/few?limit=10&offset=25"
    assert answer["previous"] == "/api/v1/few?limit=10&offset=5"


async def test_links_keep_every_value_of_a_repeated_filter(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/v1/numbers?parity=odd&parity=even%26more&page_size=5")).json()
    assert answer["next"] == "/api/v1/numbers?parity=odd&parity=even%26more&page=2&page_size=5"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("page=1&limit=20", "/query/limit"),
        ("page_size=20&offset=0", "/query/offset"),
        ("page=1&cursor=", "/query/cursor"),
        ("page=0", "/query/page"),
        ("page_size=101", "/query/page_size"),
        ("page_size=0", "/query/page_size"),
        ("limit=101", "/query/limit"),
        ("offset=-1", "/query/offset"),
        ("page=one", "/query/page"),
        ("page=101&page_size=100", "/query/page"),
        ("limit=1&offset=10000", "/query/offset"),
        ("page=99999999999999999999", "/query/page"),
        ("cursor=*", "/query/cursor"),
        ("cursor=e30", "/query/cursor"),
        ("cursor=W3siYXQiOjF9XQ", "/query/cursor"),
    ],
)
async def test_what_breaks_a_rule_of_paging_is_named(client: httpx.AsyncClient, query: str, pointer: str) -> None:
    answer = await client.get(f"/api/v1/numbers?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_pages_end_at_row_ten_thousand_and_a_cursor_goes_on_to_the_end(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/v1/numbers?page=100&page_size=100")).json()
    assert answer["items"][-1] == 9_999
    assert answer["next"].startswith("/api/v1/numbers?cursor=")
    seen = list[int]()
    while answer["next"]:
        answer = (await client.get(answer["next"])).json()
        assert answer["total"] is None
        assert answer["previous"] is None
        seen += answer["items"]
    assert seen == list(range(10_000, ROWS))


async def test_a_list_without_a_cursor_does_not_know_the_parameter(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/few?cursor=")).status_code == 422


async def test_an_empty_cursor_starts_at_the_top(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/v1/numbers?cursor=&limit=3")).json()
    assert answer["items"] == [0, 1, 2]
    assert (await client.get(answer["next"])).json()["items"] == [3, 4, 5]


def test_a_cursor_carries_times_numbers_and_text() -> None:
    values = (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), 7, "id", None, True)
    assert decode(encode(values)) == values


async def test_ties_are_told_apart_by_id_in_the_direction_of_the_last_column(client: httpx.AsyncClient) -> None:
    by_default = (await client.get("/api/v1/sorted")).json()
    assert by_default == [["created_at", True], ["id", True]]
    asked = (await client.get("/api/v1/sorted?ordering=-created_at,price")).json()
    assert asked == [["created_at", True], ["price", False], ["id", False]]


@pytest.mark.parametrize("ordering", ["", "weight", "price,-price", "--price", "price,", "price;drop"])
async def test_an_ordering_names_known_columns_once(client: httpx.AsyncClient, ordering: str) -> None:
    answer = await client.get("/api/v1/sorted", params={"ordering": ordering})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/ordering"
