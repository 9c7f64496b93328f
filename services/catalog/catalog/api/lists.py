"""Finding products over HTTP: lists with filters, search and facets, and suggestions while one types."""

from collections.abc import Mapping
from typing import Annotated

from chassis.http import (
    FORBIDDEN,
    UNAUTHENTICATED,
    Money,
    OpenQuery,
    Paging,
    Problem,
    Router,
    invalid,
    ordering,
    paging,
    problems,
)
from chassis.http.auth import CHALLENGE
from fastapi import Depends, Query, Response

from catalog.api.asking import Asking, as_json, asking
from catalog.api.bodies import ONE_LINE, Brand, Key
from catalog.api.found import ProductListing, Suggestions, listing_answer, suggestions_answer
from catalog.cache import Ready
from catalog.domain import Status
from catalog.facets import facets_of
from catalog.filters import Filters
from catalog.keeping import bitmaps_of
from catalog.searching import search_products, suggest
from catalog.words import words_of

router = Router(prefix="/api/v1", tags=["Products"])

Order = list[tuple[str, bool]]
AMOUNT = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$"
Price = Annotated[
    str | None, Query(pattern=AMOUNT, description="In the shop's currency, of what one pays now: `1250.00`.")
]
Search = Annotated[str, Query(min_length=1, max_length=200, pattern=ONE_LINE)]
MOST_ATTRIBUTES, MOST_VALUES = 10, 20


async def filters(
    ask: Asking = Depends(asking),
    category: Annotated[
        list[Key], Query(max_length=20, description="Id or slug; with all below it. Repeated: any of them.")
    ] = [],  # noqa: B006 - FastAPI copies defaults
    brand: Annotated[list[Brand], Query(max_length=20, description="Repeated: any of them.")] = [],  # noqa: B006
    min_price: Price = None,
    max_price: Price = None,
    search: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            pattern=ONE_LINE,
            description="Words or beginnings of words, in names, brands, SKUs and descriptions: all of them.",
        ),
    ] = None,
    in_stock: Annotated[bool | None, Query(description="Can be bought, there or to come, or not.")] = None,
    on_sale: bool | None = None,
    featured: bool | None = None,
    min_rating: Annotated[float | None, Query(ge=1, le=5, description="Stars: `4` or `3.5`.")] = None,
    status: Annotated[list[Status], Query(max_length=3, description="Staff only; `active` by default.")] = [],  # noqa: B006
    attributes: Mapping[str, list[str]] = Depends(OpenQuery("attributes.")),
) -> Filters:
    """The list's filters. 401 and 403 for other than active products without the right to write."""
    statuses = tuple(sorted({each.value for each in status})) or ("active",)
    if statuses != ("active",) and not ask.staff:
        who = "Only staff see products that are not active."
        raise Problem(FORBIDDEN, who) if ask.caller.bearer else Problem(UNAUTHENTICATED, who, headers=CHALLENGE)
    return Filters(
        statuses=statuses,
        categories=tuple(category),
        brands=tuple(brand),
        min_price=_minor("min_price", min_price, ask.currency),
        max_price=_minor("max_price", max_price, ask.currency),
        words=None if search is None else tuple(words_of(search)),
        in_stock=in_stock,
        on_sale=on_sale,
        featured=featured,
        min_rating=None if min_rating is None else round(min_rating * 100),
        attributes=_attributes(attributes),
    )


@router.get(
    "/products",
    operation_id="list_products",
    summary="List, filter and search products",
    description="Ordered by relevance where `search` is given, else newest first, unless `ordering` says otherwise. "
    "`attributes.<name>=<value>` keeps products with that attribute; repeated: any of the values. A `search` that "
    "finds nothing because of typing errors is answered as `corrected`.",
    response_model=ProductListing,
    responses=problems(FORBIDDEN),
)
async def list_products(
    wanted: Filters = Depends(filters),
    order: Order = Depends(ordering("price", "name", "created_at", "rating", "relevance", default="-created_at")),
    page: Paging = Depends(paging(cursor=True)),
    facets: Annotated[
        bool, Query(description="Count the products by category, brand, price, rating, attribute.")
    ] = False,
    ask: Asking = Depends(asking),
) -> Response:
    if wanted.words is None and any(name == "relevance" for name, _ in order):
        raise invalid("/query/ordering", "relevance needs search")
    if wanted.words is not None and "ordering" not in ask.request.query_params:
        order = [("relevance", False), ("id", False)]
    return await _list(ask, wanted, order, page, facets=facets)


@router.get(
    "/products/featured",
    operation_id="list_featured_products",
    summary="The featured products, newest first",
    response_model=ProductListing,
)
async def list_featured_products(
    page: Paging = Depends(paging(cursor=True)), ask: Asking = Depends(asking)
) -> Response:
    return await _list(ask, Filters(featured=True), [("created_at", True), ("id", True)], page)


@router.get(
    "/products/suggest",
    operation_id="suggest_products",
    summary="Products, categories and brands, while one types",
    description="Each word of `search` is at least the beginning of one in the name.",
    response_model=Suggestions,
)
async def suggest_products(
    search: Search,
    limit: Annotated[int, Query(ge=1, le=20, description="Of each kind.")] = 5,
    ask: Asking = Depends(asking),
) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            found, corrected = await suggest(ask.service, sql, search, limit)
        return Ready.of(as_json(suggestions_answer(found, corrected)))

    return await ask.public(read)


async def _list(ask: Asking, wanted: Filters, order: Order, page: Paging, *, facets: bool = False) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            found, used, corrected = await search_products(ask.service, sql, wanted, order, page)
            counts = await facets_of(sql, bitmaps_of(ask.service), used) if facets else None
        listing = listing_answer(
            ask.request, page, found, counts, corrected, ask.currency, ask.service.world.clock(), staff=ask.staff
        )
        return Ready.of(as_json(listing))

    return await ask.seen(read)


def _attributes(given: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    if len(given) > MOST_ATTRIBUTES:
        raise invalid("/query/attributes", f"must be {MOST_ATTRIBUTES} names at most")
    for name, values in given.items():
        if not (0 < len(name) <= 64 and len(values) <= MOST_VALUES and all(0 < len(each) <= 200 for each in values)):
            raise invalid(f"/query/attributes.{name}", "must be a name of 1 to 64 characters and 1 to 20 short values")
    return {name: tuple(dict.fromkeys(values)) for name, values in sorted(given.items())}


def _minor(name: str, amount: str | None, currency: str) -> int | None:
    if amount is None:
        return None
    try:
        return Money(amount=amount, currency=currency).minor(currency)
    except Problem as no:
        raise invalid(f"/query/{name}", no.errors[0][1]) from None
