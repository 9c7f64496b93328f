"""A catalog, staff who fill it, replicas of it, and an inventory that takes what they say is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from chassis.service import Service
from chassis.world import utc_now
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

IMAGES = "/api/v1/products/kettle/images"


class Inventory:
    """Stands where the inventory would: remembers what it received, or does not answer well."""

    def __init__(self) -> None:
        self.received: dict[str, int] = {}
        self.down = False

    async def _receive(self, request: Request) -> JSONResponse:
        if self.down:
            return JSONResponse({}, 503)
        self.received[request.path_params["sku"]] = (await request.json())["initial"]
        return JSONResponse({"sku": request.path_params["sku"]})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/internal/v1/stock/{sku}", self._receive, methods=["POST"])])


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def staff(shop: Harness) -> dict[str, str]:
    return shop.bearer("staff-1", "staff", ["catalog:write"])


async def make(shop: Harness, path: str = "/api/v1/products", **body: Any) -> dict[str, Any]:
    answer = await shop.client.post(path, json=body, headers=staff(shop))
    assert answer.status_code in (201, 202), answer.text
    made: dict[str, Any] = answer.json()
    return made


async def kettle(shop: Harness, sku: str = "KET-1", **more: Any) -> dict[str, Any]:
    return await make(shop, **{"name": "Kettle", "price": kes("2499.00"), "sku": sku, **more})


async def names(shop: Harness, query: str = "", **headers: str) -> list[str]:
    answer = await shop.client.get(f"/api/v1/products?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


@asynccontextmanager
async def replica(shop: Harness, *, loops: bool = True) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """Another process of the same shop, by the clock on the wall; without ``loops`` it looks when it is asked."""
    assert isinstance(shop.service.settings, Settings)
    service = build(shop.service.settings, replace(shop.service.world, clock=utc_now))
    await (service.start() if loops else service.open_database())
    transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://soko") as client:
            yield service, client
    finally:
        await service.stop()


def picture(kind: str = "JPEG", size: tuple[int, int] = (400, 300), color: str = "red", **more: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, color).save(out, kind, **more)
    return out.getvalue()


async def upload(shop: Harness, data: bytes, kind: str = "image/jpeg", **headers: str) -> httpx.Response:
    return await shop.client.post(IMAGES, content=data, headers={**staff(shop), "Content-Type": kind, **headers})
