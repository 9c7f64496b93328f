"""A payment service whose order is a stand-in: who pays, who takes the money, and what is promised."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from chassis.fixtures import Harness
from chassis.world import new_id
from soko_contracts import payment as contracts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

STAFF = ["payments:read", "payments:write"]

CUSTOMER = "0198c0de-0000-7000-8000-000000000001"

SOMEBODY = "0198c0de-0000-7000-8000-000000000003"

ANOTHER = "0198c0de-0000-7000-8000-000000000002"


@dataclass
class Order:
    """Stands where the order would: answers what it is told to, and remembers what it was asked."""

    status: int = 200
    body: Any = None
    asked: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)

    def app(self) -> ASGIApp:
        async def answer(request: Request) -> Response:
            self.asked.append((request.url.path, orjson.loads(await request.body()), dict(request.headers)))
            return JSONResponse(self.body, self.status)

        return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


async def promised(
    shop: Harness, customer_id: str | None = CUSTOMER, order_id: str = "o-1", amount: int = 125000
) -> str:
    """A cash on delivery order's payment: promised, not collected."""
    payment_id = new_id()
    message = contracts.Authorise(
        payment_id=payment_id,
        order_id=order_id,
        number="SO-1",
        customer_id=customer_id,
        method="cash_on_delivery",
        amount=amount,
        currency="KES",
    )
    await shop.deliver(message, subject=order_id)
    return payment_id


def staff(shop: Harness) -> dict[str, str]:
    return shop.bearer(SOMEBODY, role="staff", rights=STAFF)


async def paid_in(shop: Harness, key: str = "k-1", **changes: Any) -> Any:
    """Staff take a payment without an order."""
    body = {
        "method": "cash_on_delivery",
        "amount": {"amount": "1250.00", "currency": "KES"},
        "reference": "market stall",
        **changes,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return await shop.client.post("/api/v1/payments", json=body, headers={**staff(shop), "Idempotency-Key": key})
