"""A running order service to test with, and simple stand-ins for the services it asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from chassis.fixtures import Harness, until
from chassis.http import Caller
from chassis.world import new_id
from soko_contracts import inventory, payment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from order.api.models import ADDRESS
from order.service import build
from order.settings import Settings

CARD = {"method": "card", "token": "tok_success"}
CASH = {"method": "cash_on_delivery"}
GUEST_TOKEN = "a-cart-token-that-this-shop-gave-out"  # noqa: S105
TOTAL = 549_800 + 25_000
KES = "KES"


@dataclass
class Neighbours:
    """Cart, identity and payment, as far as the order asks them."""

    carts: dict[str, dict[str, Any]] = field(default_factory=dict)
    closed: list[dict[str, Any]] = field(default_factory=list)
    next_carts: dict[str, dict[str, Any]] = field(default_factory=dict)
    next_action: dict[str, Any] | None = None
    payment_is_away: bool = False
    asked: list[str] = field(default_factory=list)
    coupons_asked: list[str] = field(default_factory=list)

    def fill(self, owner: str, **changes: Any) -> dict[str, Any]:
        """Give ``owner`` a cart with two kettles and a mug."""
        lines = [_line("KET-1", "Kettle", 2, 249_900), _line("MUG-1", "Mug", 1, 50_000)]
        customer = owner.removeprefix("user:") if owner.startswith("user:") else None
        made = {"cart_id": new_id(), "order_id": new_id(), "version": 2, "customer_id": customer, "owner": owner}
        about = {"lines": lines, "total": 549_800, "coupon": None, "refusal": None}
        self.carts[owner] = {**made, **about, **changes}
        return self.carts[owner]

    def apps(self, identity: Any) -> dict[str, Any]:
        """Each as an ASGI app."""

        async def cart(request: Request) -> Response:
            self.asked.append("cart")
            self.coupons_asked += request.query_params.getlist("coupon")
            found = self.carts.get(_owner(request))
            return JSONResponse(found) if found else JSONResponse({"title": "no cart"}, 404)

        async def close(request: Request) -> Response:
            body = await request.json()
            self.closed.append({"cart_id": request.path_params["cart_id"], **body})
            for owner, open_cart in self.carts.items():
                if open_cart["order_id"] == body["order_id"]:
                    self.carts[owner] = self.next_carts[owner]
                    break
            return JSONResponse({})

        async def contact(request: Request) -> Response:
            self.asked.append("contact")
            address_id = request.query_params.get("address_id")
            if address_id and address_id != ADDRESS_ID:
                return JSONResponse({"type": "/problems/not-found", "title": "Not found"}, 404)
            address = {**ADDRESS, "line2": None, "region": "Nairobi", "instructions": None} if address_id else None
            return JSONResponse(
                {
                    "user_id": "u",
                    "email": "customer@soko.example",
                    "phone": "+254700000009",
                    "language": "sw",
                    "address": address,
                }
            )

        async def methods(request: Request) -> Response:
            items = [
                {"method": "card", "provider": "cardsim", "fields": ["token"]},
                {"method": "cash_on_delivery", "provider": "cash", "fields": []},
            ]
            return JSONResponse({"items": items}, 500 if self.payment_is_away else 200)

        async def action(request: Request) -> Response:
            return JSONResponse({"next_action": self.next_action}, 500 if self.payment_is_away else 200)

        return {
            "cart": Starlette(
                routes=[
                    Route("/internal/v1/cart", cart),
                    Route("/internal/v1/carts/{cart_id}/close", close, methods=["POST"]),
                ]
            ),
            "identity": Starlette(routes=[Route("/internal/v1/users/me/contact", contact), Mount("/", identity.app())]),
            "payment": Starlette(
                routes=[
                    Route("/internal/v1/payments/methods", methods),
                    Route("/internal/v1/payments/{id}/next-action", action),
                ]
            ),
        }


ADDRESS_ID = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"


def _line(sku: str, name: str, quantity: int, price: int) -> dict[str, Any]:
    return {
        "item_id": new_id(),
        "sku": sku,
        "variant_id": new_id(),
        "name": name,
        "quantity": quantity,
        "unit_price": price,
        "priced_at": "2026-03-01T12:00:00Z",
        "price_changed": False,
        "available": True,
    }


def _owner(request: Request) -> str:
    """Whose cart: the tests' tokens are not checked again."""
    if bearer := request.headers.get("authorization"):
        import jwt

        claims = jwt.decode(bearer.removeprefix("Bearer "), options={"verify_signature": False})
        return f"user:{claims['sub']}"
    return Caller(cart_token=request.headers.get("x-cart-token", "")).key


@dataclass
class Shop:
    """The order service with a customer, Amina, and a member of staff, Sam."""

    harness: Harness
    neighbours: Neighbours
    amina: str = field(default_factory=new_id)
    sam: str = field(default_factory=new_id)

    _settling: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.harness.client

    @property
    def her(self) -> dict[str, str]:
        """Amina's token."""
        return self.harness.bearer(self.amina)

    def staff(self, *rights: str) -> dict[str, str]:
        """Sam, with these rights."""
        return self.harness.bearer(
            self.sam, role="staff", rights=rights or ("orders:read", "orders:personal", "orders:fulfil")
        )

    async def place(
        self, who: dict[str, str] | None = None, key: str = "", wait: int = 0, **body: Any
    ) -> httpx.Response:
        """POST /orders; with nothing said, Amina's cart by card."""
        asked = {"shipping_address": ADDRESS, "shipping_method": "standard", "payment": CARD, **body}
        headers = {**(who or self.her), "Idempotency-Key": key or new_id(), "Prefer": f"wait={wait}"}
        answer = await self.client.post("/api/v1/orders", json=_said(asked), headers=headers)
        await self.settle()
        return answer

    async def settle(self) -> None:
        """Work off what there is; requests made side by side take turns at that."""
        async with self._settling:
            await self.harness.settle()

    async def deliver(self, *messages: Any, subject: str) -> None:
        """The other services say something."""
        async with self._settling:
            await self.harness.deliver(*messages, subject=subject)

    async def placed(self, **body: Any) -> dict[str, Any]:
        """An order of Amina's that was just placed."""
        self.neighbours.fill(f"user:{self.amina}")
        answer = await self.place(**body)
        assert answer.status_code == 202, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def awaiting(self, **body: Any) -> dict[str, Any]:
        """Its stock is held."""
        order = await self.placed(**body)
        await self.reserve(order["id"])
        return await self.order(order["id"])

    async def confirmed(self) -> dict[str, Any]:
        """It is paid by card."""
        order = await self.awaiting()
        await self.pay(order)
        return await self.order(order["id"])

    async def reserve(self, order_id: str) -> None:
        """Inventory holds everything."""
        reserved = inventory.StockReserved(order_id=order_id, lines=(), expires_at=self.harness.clock())
        await self.deliver(reserved, subject=order_id)

    async def pay(self, order: dict[str, Any]) -> None:
        """Payment brings the money of the order's attempt."""
        ids: dict[str, Any] = {"payment_id": order["payment"]["id"], "order_id": order["id"]}
        money = {**ids, "method": order["payment"]["method"], "amount": TOTAL, "currency": KES}
        await self.deliver(payment.Authorised(**money), payment.Captured(**money), subject=order["payment"]["id"])

    async def decline(self, order: dict[str, Any]) -> None:
        """Payment says no."""
        failed = payment.Failed(payment_id=order["payment"]["id"], order_id=order["id"], reason="declined")
        await self.deliver(failed, subject=order["payment"]["id"])

    async def order(self, order_id: str, who: dict[str, str] | None = None) -> dict[str, Any]:
        """The order as Amina sees it now."""
        answer = await self.client.get(f"/api/v1/orders/{order_id}", headers=who or self.her)
        assert answer.status_code == 200, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def post(
        self, path: str, json: Any = None, who: dict[str, str] | None = None, *, key: str = "", wait: int = 0
    ) -> httpx.Response:
        """POST as Amina, or somebody else, with a fresh key unless one is given."""
        given = {"Idempotency-Key": key or new_id(), "Prefer": f"wait={wait}"}
        answer = await self.client.post(f"/api/v1{path}", json=json or {}, headers={**(who or self.her), **given})
        await self.settle()
        return answer

    async def get(self, path: str, who: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """GET as Amina, or somebody else."""
        return await self.client.get(f"/api/v1{path}", headers={**(who or self.her), **headers})

    async def meanwhile(self, placing: Any, then: Callable[[str], Any]) -> httpx.Response:
        """Do ``then`` with the order's id while the request waits for an answer."""
        request = asyncio.create_task(placing)
        pool = self.harness.service.database.pool
        await then(await until(lambda: pool.fetchval("select id from orders limit 1")))
        answer: httpx.Response = await request
        return answer


def _said(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


@asynccontextmanager
async def open_shop(running: Callable[..., Any], **settings: Any) -> AsyncIterator[Shop]:
    """``async with open_shop(running) as shop``, with the fixture ``running``."""
    neighbours = Neighbours()
    async with running(build, Settings, **settings) as harness:
        harness.peers.update(neighbours.apps(harness.identity))
        yield Shop(harness, neighbours)
