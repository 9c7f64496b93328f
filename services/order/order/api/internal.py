"""What payment passes on: the order decides about its own payments. And what notification has it say once more."""

from typing import Any

import orjson
from chassis.codec import encode_opening
from chassis.http import (
    FORBIDDEN,
    NOT_FOUND,
    Answer,
    Peer,
    Problem,
    Router,
    current_service,
    idempotency,
    prefer_wait,
    problems,
    service_only,
)
from chassis.once import Once
from chassis.sealing import Opener
from chassis.service import Service
from fastapi import Depends

from order import commands, queries
from order.api.answers import OrderAnswer
from order.api.asking import Asking, asking
from order.api.fields import OrderId, ThingId
from order.api.models import MarkPaidBody, NothingBody, PaymentChoice
from order.api.orders import pay
from order.api.refusals import NOT_PAYABLE, NOTHING_TO_CAPTURE, NOTHING_TO_VOID, PAYMENT_FAILED, PAYMENT_IN_PROGRESS
from order.commands import Command
from order.domain import order
from order.letters import letter

router = Router(prefix="/internal/v1", tags=["Internal"])


@router.post(
    "/orders/{order_id}/pay",
    operation_id="internal_pay_order",
    summary="Pay an order, for the caller that is passed on",
    responses={
        202: {"model": OrderAnswer, "description": "Not settled yet."},
        **problems(FORBIDDEN, PAYMENT_FAILED, NOT_PAYABLE, PAYMENT_IN_PROGRESS),
    },
)
async def internal_pay_order(
    order_id: OrderId,
    body: PaymentChoice,
    ask: Asking = Depends(asking(service_only)),
    once: Once = Depends(idempotency(required=True)),
    prefer: float = Depends(prefer_wait),
) -> OrderAnswer:
    """As the order's own pay; the answer's `payment` says which attempt it was."""
    return await pay(order_id, body, ask, once, prefer)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/capture",
    operation_id="internal_capture_payment",
    summary="Take what was promised",
    responses=problems(FORBIDDEN, NOTHING_TO_CAPTURE),
)
async def internal_capture_payment(
    order_id: OrderId,
    payment_id: ThingId,
    body: NothingBody | None = None,
    ask: Asking = Depends(asking(service_only)),
    once: Once | None = Depends(idempotency()),
) -> OrderAnswer:
    """For staff."""
    return await _do(ask, order_id, commands.CapturePayment(payment_id=payment_id, now=ask.service.world.clock()), once)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/void",
    operation_id="internal_void_payment",
    summary="End an attempt",
    responses=problems(FORBIDDEN, NOTHING_TO_VOID),
)
async def internal_void_payment(
    order_id: OrderId,
    payment_id: ThingId,
    body: NothingBody | None = None,
    ask: Asking = Depends(asking(service_only)),
    once: Once | None = Depends(idempotency()),
) -> OrderAnswer:
    """For staff; it counts as a failed attempt."""
    return await _do(ask, order_id, commands.VoidPayment(payment_id=payment_id), once)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/mark-paid",
    operation_id="internal_mark_paid",
    summary="Say that the money was collected",
    responses=problems(FORBIDDEN, NOT_PAYABLE),
)
async def internal_mark_paid(
    order_id: OrderId,
    payment_id: ThingId,
    body: MarkPaidBody,
    ask: Asking = Depends(asking(service_only)),
    once: Once | None = Depends(idempotency()),
) -> OrderAnswer:
    """For staff: cash at the door, or a transfer on the bank's list."""
    command = commands.MarkPaid(payment_id=payment_id, reference=body.reference, now=ask.service.world.clock())
    return await _do(ask, order_id, command, once)


async def _do(ask: Asking, order_id: str, command: Command, once: Once | None) -> OrderAnswer:
    """Payment has checked the caller's right; so does the order, whose decision it is."""
    if not ask.caller.may("payments:write"):
        raise Problem(FORBIDDEN, "This needs the right payments:write.")
    row = await ask.row(order_id)
    if await ask.done_before(once) is None:
        await ask.tell(row["id"], command, once)
    return await ask.show(await ask.row(row["id"]))


class LetterAnswer(Answer):
    """Whom it goes to, and what it says."""

    contact: dict[str, Any]
    data: dict[str, Any]


@router.get(
    "/orders/{order_id}/letters/{kind}/{cause}",
    operation_id="internal_read_letter",
    summary="What an order said to its customer",
    responses=problems(NOT_FOUND),
)
async def internal_read_letter(
    order_id: ThingId,
    kind: ThingId,
    cause: ThingId,
    peer: Peer = Depends(service_only),
    service: Service = Depends(current_service),
) -> LetterAnswer:
    """As it was said, to the address that it had. 404 where it never was, or where its customer is forgotten."""
    stream = order.name(order_id)
    codec = service.aggregates.of(stream).codec
    async with service.database.pool.acquire() as connection:
        rows = await connection.fetch(queries.HISTORY, stream, 0)
        told = letter((codec.decode(row["type"], row["data"]) for row in rows), kind, cause)
        keys = await service.keyring.read(connection, [told.subject_id]) if told else {}
    if told is None or not keys:
        raise Problem(NOT_FOUND)
    said = orjson.loads(encode_opening(told, Opener(keys).default))
    return LetterAnswer(contact=said["contact"], data=said["data"])
