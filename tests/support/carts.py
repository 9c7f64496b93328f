"""A running cart service, with a catalog that counts what it is asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cart.service import build
from cart.settings import Settings
from chassis.fixtures import Harness
from chassis.world import new_id
from soko_contracts import catalog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KES = "KES"


@dataclass
class Catalog:
    """Stands where the catalog would: knows some SKUs, counts questions, can be away."""

    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: bool = False

    def sells(self, sku: str, price: int, **more: Any) -> str:
        variant_id = new_id()
        known = {"variant_id": variant_id, "product_id": new_id(), "sku": sku, "name": f"The {sku}", "options": {}}
        prices = {"price": price, "currency": KES, "active": True, "initial_stock": None}
        self.variants[sku] = {**known, **prices, **more}
        return variant_id

    def event(self, sku: str, **changes: Any) -> catalog.VariantUpdated:
        said = {name: value for name, value in self.variants[sku].items() if name != "initial_stock"}
        return catalog.VariantUpdated(**{**said, **changes})

    def app(self) -> Starlette:
        async def by_sku(request: Request) -> Response:
            skus = request.query_params.getlist("sku")
            self.asked += skus
            if self.away:
                return Response(status_code=500)
            items = [self.variants[sku] for sku in skus if sku in self.variants]
            return JSONResponse({"items": items, "missing": [sku for sku in skus if sku not in self.variants]})

        async def by_id(request: Request) -> Response:
            wanted = request.path_params["id"]
            found = [each["sku"] for each in self.variants.values() if each["variant_id"] == wanted]
            return JSONResponse({"sku": found[0]}) if found else Response(status_code=404)

        return Starlette(
            routes=[Route("/internal/v1/variants", by_sku), Route("/api/v1/variants/{id}", by_id)],
        )


@dataclass
class Shop:
    """A running cart service and its catalog."""

    harness: Harness
    catalog: Catalog

    async def add(self, who: dict[str, str], sku: str, quantity: int = 1, **headers: str) -> Any:
        body = {"sku": sku, "quantity": quantity}
        return await self.harness.client.post("/api/v1/cart/items", json=body, headers={**who, **headers})

    async def cart(self, who: dict[str, str]) -> Any:
        return (await self.harness.client.get("/api/v1/cart", headers=who)).json()

    async def internal(self, who: dict[str, str]) -> Any:
        headers = {**who, **self.harness.service_token("order")}
        return await self.harness.client.get("/internal/v1/cart", headers=headers)

    def customer(self, user_id: str = "") -> dict[str, str]:
        return self.harness.bearer(user_id or new_id())


@asynccontextmanager
async def opened(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    """With three SKUs, of which one is not sold, and carts of two lines."""
    sold = Catalog()
    sold.sells("KET-1", 249900)
    sold.sells("MUG-1", 59900)
    sold.sells("OLD-1", 100, active=False)
    async with running(build, Settings, peers={"catalog": sold.app()}, cart_lines=2, cart_quantity=10) as harness:
        yield Shop(harness, sold)


def units(cart: Any) -> dict[str, int]:
    return {item["sku"]: item["quantity"] for item in cart["items"]}
