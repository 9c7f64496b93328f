"""What staff do by hand. An order's payment is the order's to decide: it is asked, with their token and key."""

from dataclasses import dataclass
from typing import Any, Literal

from chassis.context import Context
from chassis.http import (
    FORBIDDEN,
    Caller,
    Problem,
    Router,
    current_service,
    idempotency,
    prefer_wait,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Response

from payment.api.models import MarkPaidBody, PaymentAnswer, PaymentId
from payment.api.passed_on import NOT_PAYABLE, NOTHING_TO_CAPTURE, NOTHING_TO_VOID
from payment.api.reading import (
    AMOUNT_TOO_LARGE,
    NOT_AUTHORISED,
    NOT_BY_HAND,
    OVER,
    row_of,
    settled_row,
    shown,
)
from payment.domain.commands import Capture, Void
from payment.domain.rules import payment
from payment.providers.offered import BY_HAND

router = Router(prefix="/api/v1", tags=["Payments"])

NOT_YET: dict[int | str, dict[str, Any]] = {202: {"model": PaymentAnswer, "description": "Not settled yet."}}


What = Literal["capture", "void", "mark-paid"]


@dataclass(frozen=True, slots=True)
class ByHand:
    """One of the three requests, with what they share."""

    payment_id: str
    response: Response
    caller: Caller
    once: Once | None
    prefer: float
    context: Context
    service: Service

    async def row(self) -> Any:
        """The payment as it stands."""
        return await row_of(self.service, self.payment_id)

    async def do(self, row: Any, what: What, command: Capture | Void, body: Any) -> PaymentAnswer:
        """Have the order do it, or give the command where there is no order; then wait as long as Prefer says."""
        if row["order_id"] is not None:
            await self._forward(row["order_id"], what, body)
        else:
            once = self.once.for_(self.payment_id) if self.once else None
            done = await self.service.execute(payment, self.payment_id, command, self.context, once)
            if done.replayed:
                replayed(self.response)
        row = await settled_row(self.service, self.payment_id, row["version"], self.prefer)
        self.response.status_code = 200 if row["settled"] else 202
        return shown(row)

    async def _forward(self, order_id: str, what: What, body: Any) -> None:
        answer = await self.service.world.peers.post(
            "order",
            f"/internal/v1/orders/{order_id}/payments/{self.payment_id}/{what}",
            body,
            caller=self.caller,
            context=self.context,
            headers={"Idempotency-Key": self.once.key} if self.once else None,
        )
        if not answer.ok:
            raise answer.problem()
        if answer.headers.get("idempotency-replayed"):
            replayed(self.response)


async def by_hand(
    payment_id: PaymentId,
    response: Response,
    caller: Caller = Depends(right("payments:write")),
    once: Once | None = Depends(idempotency()),
    prefer: float = Depends(prefer_wait),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
) -> ByHand:
    """``hand: ByHand = Depends(by_hand)``."""
    return ByHand(payment_id, response, caller, once, prefer, context, service)


@router.post(
    "/payments/{payment_id}/capture",
    operation_id="capture_payment",
    summary="Take what a payer promised",
    responses={
        **NOT_YET,
        **problems(FORBIDDEN, NOT_AUTHORISED, AMOUNT_TOO_LARGE, NOTHING_TO_CAPTURE),
    },
)
async def capture_payment(hand: ByHand = Depends(by_hand)) -> PaymentAnswer:
    """All of it. An order's payment is usually captured by the order itself."""
    row = await hand.row()
    command = Capture(hand.payment_id, None, row["amount"], strict=True)
    return await hand.do(row, "capture", command, {})


@router.post(
    "/payments/{payment_id}/void",
    operation_id="void_payment",
    summary="End an attempt without money",
    responses={**NOT_YET, **problems(FORBIDDEN, OVER, NOTHING_TO_VOID)},
)
async def void_payment(hand: ByHand = Depends(by_hand)) -> PaymentAnswer:
    """The promise goes back to the payer. For an order it counts as a failed attempt."""
    row = await hand.row()
    return await hand.do(row, "void", Void(hand.payment_id, None, strict=True), {})


@router.post(
    "/payments/{payment_id}/mark-paid",
    operation_id="mark_payment_paid",
    summary="Say that the money was collected",
    responses={**NOT_YET, **problems(FORBIDDEN, NOT_BY_HAND, NOT_AUTHORISED, NOT_PAYABLE)},
)
async def mark_payment_paid(body: MarkPaidBody, hand: ByHand = Depends(by_hand)) -> PaymentAnswer:
    """Cash collected at the door: `reference` is the receipt."""
    row = await hand.row()
    if row["method"] not in BY_HAND:
        raise Problem(NOT_BY_HAND, f"{row['method']} is not collected by hand.")
    command = Capture(hand.payment_id, None, row["amount"], body.reference, strict=True)
    return await hand.do(row, "mark-paid", command, body.model_dump())
