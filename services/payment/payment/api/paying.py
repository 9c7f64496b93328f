"""Paying, and looking at payments."""

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

from chassis.context import Context
from chassis.http import (
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHENTICATED,
    Caller,
    Listing,
    Moment,
    Paging,
    Problem,
    Router,
    Tags,
    anyone,
    current_service,
    idempotency,
    invalid,
    known,
    ordering,
    paging,
    prefer_wait,
    problems,
    read_page,
    replayed,
    request_context,
    shopper_or,
    tagging,
)
from chassis.http.auth import CHALLENGE
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response

from payment import views
from payment.api.models import (
    Method,
    MethodAnswer,
    MethodsAnswer,
    OrderId,
    PayBody,
    PaymentAnswer,
    PaymentId,
    Status,
)
from payment.api.passed_on import NOT_PAYABLE, PAYMENT_FAILED, PAYMENT_IN_PROGRESS
from payment.api.reading import offered_providers, row_of, settled_row, shown, shown_to
from payment.domain.commands import Authorise
from payment.domain.rules import payment
from payment.providers.offered import NEEDS
from payment.providers.port import Provider
from payment.tables import payments

router = Router(prefix="/api/v1", tags=["Payments"])


@router.get(
    "/payments/methods",
    operation_id="list_payment_methods",
    summary="List the ways to pay",
    dependencies=[Depends(anyone)],
)
async def list_payment_methods(providers: Mapping[str, Provider] = Depends(offered_providers)) -> MethodsAnswer:
    """What this shop is set up for."""
    return methods(providers)


def methods(providers: Mapping[str, Provider]) -> MethodsAnswer:
    """The offered methods with what each needs."""
    return MethodsAnswer(
        items=[
            MethodAnswer(method=method, provider=provider.name, fields=NEEDS[method])
            for method, provider in providers.items()
        ]
    )


@router.post(
    "/payments",
    status_code=200,
    operation_id="create_payment",
    summary="Pay an order, or take a payment without one",
    responses={
        202: {"model": PaymentAnswer, "description": "Not settled yet."},
        **problems(FORBIDDEN, NOT_FOUND, PAYMENT_FAILED, NOT_PAYABLE, PAYMENT_IN_PROGRESS),
    },
)
async def create_payment(
    body: PayBody,
    response: Response,
    caller: Caller = Depends(known),
    once: Once = Depends(idempotency(required=True)),
    prefer: float = Depends(prefer_wait),
    providers: Mapping[str, Provider] = Depends(offered_providers),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
) -> PaymentAnswer:
    """With `order_id` the order decides, as in its own `pay`: 402 when the attempt failed. Without, it is staff who pay
    in; `amount` and `reference` are theirs to name.
    """
    if body.method not in providers:
        raise invalid("/method", f"must be one of {', '.join(providers)}")
    for field in NEEDS[body.method]:
        if getattr(body, field) is None:
            raise invalid(f"/{field}", f"is required to pay by {body.method}")
    if body.order_id is not None:
        return await _pay_order(body, body.order_id, response, caller, once, prefer, context, service)
    return await _pay_in(body, response, caller, once, prefer, context, service)


async def _pay_order(
    body: PayBody,
    order_id: str,
    response: Response,
    caller: Caller,
    once: Once,
    prefer: float,
    context: Context,
    service: Service,
) -> PaymentAnswer:
    for field in ("amount", "reference"):
        if getattr(body, field) is not None:
            raise invalid(f"/{field}", "must not come with order_id: the order knows what is to be paid")
    answer = await service.world.peers.post(
        "order",
        f"/internal/v1/orders/{quote(order_id, safe='')}/pay",
        {"method": body.method, "token": body.token, "phone": body.phone},
        caller=caller,
        context=context,
        headers={"Idempotency-Key": once.key, "Prefer": f"wait={prefer:g}"},
    )
    if not answer.ok:
        raise answer.problem()
    response.status_code = answer.status
    if answer.headers.get("idempotency-replayed"):
        replayed(response)
    return await _paid(answer.json(), caller, service)


async def _paid(order: Mapping[str, Any], caller: Caller, service: Service) -> PaymentAnswer:
    """The attempt that the order's answer speaks of. Its command may still be on its way here."""
    attempt = order["payment"]
    row = await service.database.pool.fetchrow(views.PAYMENT, attempt["id"])
    if row is not None:
        return await shown_to(caller, service, row)
    nothing = {"amount": "0", "currency": order["total"]["currency"]}
    return PaymentAnswer.model_validate(
        {
            "id": attempt["id"],
            "order_id": order["id"],
            "number": order["number"],
            "method": attempt["method"],
            "status": "processing",
            "amount": order["total"],
            "captured": nothing,
            "refunded": nothing,
            "reason": None,
            "reference": None,
            "receipt": None,
            "created_at": order["updated_at"],
            "updated_at": order["updated_at"],
        }
    )


async def _pay_in(
    body: PayBody,
    response: Response,
    caller: Caller,
    once: Once,
    prefer: float,
    context: Context,
    service: Service,
) -> PaymentAnswer:
    if not caller.may("payments:write"):
        _refuse(caller)
    currency = service.settings.shop_currency
    if body.amount is None:
        raise invalid("/amount", "is required without order_id")
    if body.reference is None:
        raise invalid("/reference", "is required without order_id")
    amount = body.amount.minor(currency, "/amount", least=1)
    payment_id = service.world.ids()
    command = Authorise(
        payment_id=payment_id,
        order_id=None,
        number=None,
        customer_id=None,
        method=body.method,
        amount=amount,
        currency=currency,
        now=service.world.clock(),
        token=None if body.token is None else await service.seal(payment_id, body.token),
        phone=None if body.phone is None else await service.seal(payment_id, body.phone),
        reference=body.reference,
    )
    done = await service.execute(payment, payment_id, command, context, once.for_(payment_id))
    if done.replayed:
        replayed(response)
    row = await settled_row(service, done.resource_id or payment_id, 0, prefer)
    response.status_code = 200 if row["settled"] else 202
    return shown(row)


def _refuse(caller: Caller) -> NoReturn:
    if caller.bearer is None:
        raise Problem(UNAUTHENTICATED, "Log in first, or name the order to pay.", headers=CHALLENGE)
    raise Problem(FORBIDDEN, "Payments without an order need the right payments:write.")


COLUMNS = ("created_at", "amount")


@router.get(
    "/payments",
    operation_id="list_payments",
    summary="List payments",
)
async def list_payments(
    request: Request,
    status: Annotated[list[Status], Query(description="Any of these.")] = [],  # noqa: B006
    method: Annotated[list[Method], Query(description="Any of these.", max_length=20)] = [],  # noqa: B006
    order_id: Annotated[list[OrderId], Query(description="Any of these orders.", max_length=100)] = [],  # noqa: B006
    mine: Annotated[bool, Query(description="Staff: only their own.")] = False,
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    order: list[tuple[str, bool]] = Depends(ordering(*COLUMNS, default="-created_at")),
    paging: Paging = Depends(paging(cursor=True)),
    caller: Caller = Depends(shopper_or("payments:read")),
    service: Service = Depends(current_service),
) -> Listing[PaymentAnswer]:
    """A customer's own; all for staff, `mine=true` their own."""
    everyone = caller.may("payments:read") and not (mine and caller.user_id)
    filters = views.Filters(
        tuple(status),
        tuple(method),
        tuple(order_id),
        None if everyone else caller.user_id,
        created_after,
        created_before,
    )
    async with service.database.engine.connect() as sql:
        page = await read_page(sql, payments, filters.ways(), order, paging)
    return paging.answer([shown(row) for row in page.rows], page.total, request, last=page.last)


@router.get(
    "/payments/{payment_id}",
    operation_id="get_payment",
    summary="Show a payment",
    response_model=PaymentAnswer,
)
async def get_payment(
    payment_id: PaymentId,
    caller: Caller = Depends(shopper_or("payments:read")),
    tags: Tags = Depends(tagging),
    service: Service = Depends(current_service),
) -> Any:
    """One's own, or any for staff. `next_action` is there for the payer while there is something to do."""
    row = await row_of(service, payment_id)
    mine = caller.user_id is not None and row["customer_id"] == caller.user_id
    if not (mine or caller.may("payments:read")):
        raise Problem(NOT_FOUND, f"There is no payment {payment_id}.")
    if same := tags.unchanged(row["version"]):
        return same
    return await shown_to(caller, service, row)
