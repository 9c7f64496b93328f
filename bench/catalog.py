"""The catalog alone, filled further and further: how long its service takes for what is not in its cache."""

import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from catalog.demo_products import demo_products
from catalog.keeping import keep_bitmaps
from catalog.seed import seed
from catalog.seed_words import BRANDS, MATERIALS, TREE
from catalog.service import build
from catalog.settings import Settings
from catalog.slugs import slug_of
from chassis.service import Service
from chassis.world import World

from bench.stores import KEY, fresh

SIZES = (1_000, 10_000, 100_000)
REQUESTS = 150
"""Of each kind, one after the other."""
PRODUCTS = "/api/v1/products"

Ask = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Filled:
    """``filling`` is how many seconds it took to come so far; ``took`` are seconds by kind of request."""

    products: int
    variants: int
    filling: float
    took: Mapping[str, Sequence[float]]


async def catalogs(server: str) -> AsyncIterator[Filled]:
    """A new database on the server, measured at each size."""
    url = await fresh(server, "bench_catalog")
    settings = Settings(soko_internal_key=KEY, soko_env="development").on(url)
    service = build(settings, World())
    await service.migrate()
    await service.open_database()
    filling = 0.0
    for size in SIZES:
        started = time.perf_counter()
        await seed(service, size)
        filling += time.perf_counter() - started
        await service.database.pool.execute("vacuum analyze")
        while await keep_bitmaps(service):
            pass
        variants = await service.database.pool.fetchval("select count(*) from variants")
        ids = [row["id"] for row in await service.database.pool.fetch("select id from products limit 1000")]
        yield Filled(size, variants, filling, await _measured(service, ids))
    await service.stop()


async def _measured(service: Service, ids: list[str]) -> dict[str, list[float]]:
    chance = random.Random(1)
    words = sorted({word for each in demo_products(2_000) for word in each.name.split() if len(word) > 3})
    shelves = [slug_of(name, "") for top, middles in TREE.items() for name in (top, *middles)]

    def searched(**more: Any) -> str:
        return f"{PRODUCTS}?{urlencode({'search': ' '.join(chance.sample(words, chance.randint(1, 2))), **more})}"

    def narrowed() -> str:
        word = chance.choice(words)
        filters = {
            "category": chance.choice(shelves),
            "brand": chance.choice(BRANDS),
            "in_stock": "true",
            "max_price": chance.randint(1_000, 20_000),
            "attributes.material": chance.choice(MATERIALS),
        }
        return f"{PRODUCTS}?{urlencode({'search': word, **dict(chance.sample(sorted(filters.items()), 2))})}"

    kinds: dict[str, Ask] = {
        "list, newest first": lambda: PRODUCTS,
        "list of a category, by price": lambda: f"{PRODUCTS}?category={chance.choice(shelves)}&ordering=price",
        "search": searched,
        "search with two filters": narrowed,
        "search with facets": lambda: f"{PRODUCTS}?search={chance.choice(words)}&facets=true",
        "facets of all products": lambda: f"{PRODUCTS}?facets=true",
        "suggestions": lambda: f"{PRODUCTS}/suggest?search={chance.choice(words)[: chance.randint(1, 5)].lower()}",
        "detail": lambda: f"{PRODUCTS}/{chance.choice(ids)}",
    }
    return {name: [await _asked(service, ask()) for _ in range(REQUESTS)] for name, ask in kinds.items()}


async def _asked(service: Service, url: str) -> float:
    """Seconds from the request's first byte to the answer's last, inside the process, with nothing kept."""
    path, _, query = url.partition("?")
    headers = [(b"host", b"bench")]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    scope |= {"path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers}
    scope |= {"client": ("127.0.0.1", 1), "server": ("bench", 80), "root_path": ""}
    statuses = list[int]()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    service.app.state.answers.drop()
    started = time.perf_counter()
    await service.app(scope, receive, send)
    took = time.perf_counter() - started
    assert statuses == [200], (url, statuses)
    return took
