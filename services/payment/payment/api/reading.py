"""What the routes share: the problems, finding a payment, showing it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from chassis.http import NOT_FOUND, Caller, Money, Problem, problem_type
from chassis.service import Service
from fastapi import Request

from payment import views
from payment.api.models import NextActionAnswer, PaymentAnswer, RefundAnswer
from payment.providers.port import Provider

NOT_AUTHORISED = problem_type(
    "payment-not-authorised",
    409,
    "Nothing to capture",
    when="The payment is not authorised, or its capture or void is under way.",
    client="Read the payment again; it may be captured already.",
)
OVER = problem_type(
    "payment-over",
    409,
    "The payment is over",
    when="The payment was captured, failed or voided before.",
    client="Refund what was captured; nothing else can be changed.",
)
AMOUNT_TOO_LARGE = problem_type(
    "amount-too-large",
    409,
    "More than is authorised",
    when="A capture asks for more than the payer promised.",
    client="Capture what is authorised at most.",
)
NOT_BY_HAND = problem_type(
    "not-collected-by-hand",
    409,
    "Nobody collects this money by hand",
    when="A payment is marked paid whose provider takes the money itself.",
    client="Capture it instead.",
)

LOOK_EVERY = 0.05


async def offered_providers(request: Request) -> Mapping[str, Provider]:
    """The providers by method: ``Depends(offered_providers)``."""
    found: Mapping[str, Provider] = request.app.state.providers
    return found


async def row_of(service: Service, payment_id: str) -> Any:
    """The payment as it stands, 404 where there is none."""
    row = await service.database.pool.fetchrow(views.PAYMENT, payment_id)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no payment {payment_id}.")
    return row


async def settled_row(service: Service, payment_id: str, beyond: int, seconds: float) -> Any:
    """The payment once it has moved beyond a version and settled, or as it is after so many seconds."""
    async with asyncio.timeout(seconds + 5):
        until = asyncio.get_running_loop().time() + seconds
        while True:
            row = await row_of(service, payment_id)
            if (row["version"] > beyond and row["settled"]) or asyncio.get_running_loop().time() >= until:
                return row
            await asyncio.sleep(LOOK_EVERY)


async def next_action_of(service: Service, payment_id: str) -> NextActionAnswer | None:
    """What the payer has to do. Show it to nobody else."""
    found = await service.database.pool.fetchval(views.NEXT_ACTION, payment_id)
    action = orjson.loads(found) if found else None
    return NextActionAnswer.model_validate(action) if isinstance(action, dict) else None


async def shown_to(caller: Caller, service: Service, row: Any) -> PaymentAnswer:
    """The payment, with what only its payer may see if that is who asks."""
    payer = caller.user_id is not None and caller.user_id == row["customer_id"]
    action = await next_action_of(service, row["id"]) if payer and row["status"] == "requires_action" else None
    return shown(row, action)


def shown(row: Any, action: NextActionAnswer | None = None) -> PaymentAnswer:
    """The answer that shows a row; ``refunds`` only where the row has them."""
    refunds = orjson.loads(row["refunds"]) if "refunds" in row.keys() else None  # noqa: SIM118 - rows are not mappings
    currency = row["currency"]
    return PaymentAnswer(
        id=row["id"],
        order_id=row["order_id"],
        number=row["number"],
        method=row["method"],
        status=row["status"],
        amount=Money.of(row["amount"], currency),
        captured=Money.of(row["captured"], currency),
        refunded=Money.of(row["refunded"], currency),
        reason=row["reason"],
        reference=row["reference"],
        receipt=row["receipt"],
        refunds=None if refunds is None else [_refund(each, currency) for each in refunds],
        next_action=action,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _refund(refund: Mapping[str, Any], currency: str) -> RefundAnswer:
    return RefundAnswer(
        id=refund["id"],
        amount=Money.of(refund["amount"], currency),
        status=refund["status"],
        reason=refund["reason"],
    )
