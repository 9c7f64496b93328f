"""What staff do with coupons."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.executing import Moved
from chassis.http import (
    CONFLICT,
    NOT_FOUND,
    PRECONDITION_FAILED,
    Answer,
    Body,
    Listing,
    Moment,
    Money,
    Paging,
    Precondition,
    Problem,
    Router,
    current_service,
    idempotency,
    invalid,
    ordering,
    paging,
    precondition,
    problems,
    replayed,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StringConstraints
from pydantic.config import JsonDict
from sqlalchemy import or_

from cart.api.refusals import COUPON_EXISTS
from cart.api.visit import Visit, visiting
from cart.coupons import listed, one
from cart.domain import coupon_id_of
from cart.domain.coupons import Change, Create, Terms, Withdraw, coupon
from cart.settings import Settings
from cart.tables import coupons

router = Router(prefix="/api/v1", tags=["Coupons"])

STAFF = right("coupons:write")
EXAMPLE: JsonDict = {
    "code": "WELCOME10",
    "percent": 10,
    "min_total": {"amount": "1000.00", "currency": "KES"},
    "max_uses": 500,
    "max_uses_per_customer": 1,
    "ends_at": "2026-12-31T21:00:00Z",
}
EVERYTHING: JsonDict = {
    **EXAMPLE,
    "id": "00000000-0000-7d3c-8d4e-5f60718293a4",
    "amount": None,
    "free_shipping": False,
    "used": 3,
    "starts_at": None,
    "category_ids": [],
    "product_ids": [],
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$"), AfterValidator(str.upper)]
Percent = Annotated[int, Field(ge=1, le=100, strict=True)]
Times = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Ids = Annotated[list[UUID], Field(max_length=100)]


class TermsBody(Body):
    """What a coupon gives, and to whom: ``percent``, ``amount`` or ``free_shipping``, and what narrows it.

    ``min_total`` is what all lines of the cart must come to. With categories (and all below them) or products it is
    for those alone. ``max_uses`` counts orders, not those that were cancelled.
    """

    percent: Percent | None = None
    amount: Money | None = None
    free_shipping: StrictBool = False
    min_total: Money | None = None
    max_uses: Times | None = None
    max_uses_per_customer: Times | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    category_ids: Ids = Field(default_factory=list)
    product_ids: Ids = Field(default_factory=list)

    def said(self, currency: str) -> Mapping[str, Any]:
        """The terms that were sent, as the domain has them."""
        made = {name: getattr(self, name) for name in self.model_fields_set if name != "code"}
        for name in ("amount", "min_total"):
            if made.get(name) is not None:
                made[name] = made[name].minor(currency, f"/{name}", least=1)
        for name in ("category_ids", "product_ids"):
            if name in made:
                made[name] = tuple(str(each) for each in dict.fromkeys(made[name]))
        return made


class CouponNew(TermsBody):
    """A new coupon. The code is told by its letters, whether capital or small; no code is given twice."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    code: Code


class CouponPatch(TermsBody):
    """What shall change; what is left out stays. The code never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"max_uses": 1000}]})


class CouponAnswer(Answer):
    """A coupon. ``used``: by orders that are not cancelled."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EVERYTHING]})

    id: str
    code: str
    percent: int | None
    amount: Money | None
    free_shipping: bool
    min_total: Money | None
    max_uses: int | None
    max_uses_per_customer: int | None
    used: int
    starts_at: datetime | None
    ends_at: datetime | None
    category_ids: list[str]
    product_ids: list[str]
    created_at: datetime
    updated_at: datetime


def answer(row: Any, currency: str) -> CouponAnswer:
    """The coupon in ``row``."""
    same = set(CouponAnswer.model_fields) - {"id", "amount", "min_total"}
    money = {name: Money.of(row[name], currency) if row[name] is not None else None for name in ("amount", "min_total")}
    return CouponAnswer(id=row["coupon_id"], **{name: row[name] for name in same}, **money)


@router.get(
    "/coupons",
    operation_id="list_coupons",
    summary="List coupons",
    dependencies=[Depends(STAFF)],
)
async def list_coupons(
    request: Request,
    code: Annotated[list[Code] | None, Query(max_length=100)] = None,
    active: Annotated[bool | None, Query(description="Valid now and not used up; `false`: the others.")] = None,
    order: list[tuple[str, bool]] = Depends(ordering("created_at", "code", "ends_at", "used", default="-created_at")),
    page: Paging = Depends(paging()),
    service: Service = Depends(current_service),
) -> Listing[CouponAnswer]:
    """Those that were not withdrawn, newest first."""
    assert isinstance(service.settings, Settings)
    now, currency = service.world.clock(), service.settings.shop_currency
    wanted: list[Any] = [coupons.c.code.in_(code)] if code else []
    if active is not None:
        over = or_(coupons.c.ends_at <= now, coupons.c.starts_at > now, coupons.c.used >= coupons.c.max_uses)
        wanted.append(over.is_not(True) if active else over.is_(True))
    columns = [coupons.c["coupon_id" if name == "id" else name] for name, _ in order]
    sorting = [column.desc() if down else column for column, (_, down) in zip(columns, order, strict=True)]
    rows, total = await listed(service, wanted, sorting, page.limit, page.offset)
    return page.answer([answer(row, currency) for row in rows], total, request)


@router.post(
    "/coupons",
    status_code=201,
    operation_id="create_coupon",
    summary="Make a coupon",
    responses=problems(COUPON_EXISTS),
    dependencies=[Depends(STAFF)],
)
async def create_coupon(
    body: CouponNew, once: Once | None = Depends(idempotency()), visit: Visit = Depends(visiting)
) -> CouponAnswer:
    """Percentage, fixed amount or free shipping. Whoever knows the code can use it, as far as its terms go."""
    made = await visit.service.recall(once)
    if made is None:
        terms = Terms(**body.said(visit.settings.shop_currency))
        _sound(terms)
        made = coupon_id_of(body.code)
        key = once.for_(made) if once else None
        done = await visit.service.execute(coupon, made, Create(made, body.code, terms), visit.context, key)
        if done.replayed:
            replayed(visit.response)
    else:
        replayed(visit.response)
    visit.response.headers["Location"] = f"/api/v1/coupons/{made}"
    return _told(visit, await _row(visit, made))


@router.get(
    "/coupons/{coupon_id}",
    operation_id="get_coupon",
    summary="Show a coupon",
    response_model=CouponAnswer,
    responses=problems(NOT_FOUND),
    dependencies=[Depends(STAFF)],
)
async def get_coupon(coupon_id: str, visit: Visit = Depends(visiting)) -> CouponAnswer | Response:
    """By id or code."""
    row = await _row(visit, coupon_id)
    return visit.tags.unchanged(row["changes"], row["version"]) or answer(row, visit.settings.shop_currency)


@router.patch(
    "/coupons/{coupon_id}",
    operation_id="change_coupon",
    summary="Change a coupon",
    responses=problems(NOT_FOUND, CONFLICT, PRECONDITION_FAILED),
    dependencies=[Depends(STAFF)],
)
async def change_coupon(
    coupon_id: str,
    body: CouponPatch,
    known: Precondition = Depends(precondition),
    visit: Visit = Depends(visiting),
) -> CouponAnswer:
    """Orders that were placed keep what they were promised. Fewer uses than there are already ends it for others."""
    changes = body.said(visit.settings.shop_currency)

    def change(row: Any) -> Change:
        before = {name: row[name] for name in Terms.__slots__}
        _sound(Terms(**{**before, **changes}))
        return Change(changes)

    id_ = await _execute(visit, coupon_id, known, change)
    return _told(visit, await _row(visit, id_))


@router.delete(
    "/coupons/{coupon_id}",
    status_code=204,
    operation_id="withdraw_coupon",
    summary="Withdraw a coupon",
    response_class=Response,
    responses=problems(NOT_FOUND, PRECONDITION_FAILED),
    dependencies=[Depends(STAFF)],
)
async def withdraw_coupon(
    coupon_id: str, known: Precondition = Depends(precondition), visit: Visit = Depends(visiting)
) -> Response:
    """Nobody can use it any more; orders that have it keep it, and its code is not given again."""
    await _execute(visit, coupon_id, known, lambda row: Withdraw())
    return Response(status_code=204)


async def _execute(visit: Visit, id_: str, known: Precondition, make: Callable[[Any], Change | Withdraw]) -> str:
    """The command that is made for the coupon as it stands, where that is as the client knows it. Returns its id."""
    while True:
        row = await _row(visit, id_)
        known.check(row["changes"])
        command, expected = make(row), known.at(row["version"])
        try:
            await visit.service.execute(coupon, row["coupon_id"], command, visit.context, expected=expected)
            return str(row["coupon_id"])
        except Moved:
            continue  # perhaps an order has used it: then these are still the terms that the client knows


async def _row(visit: Visit, id_: str) -> Any:
    row = await one(visit.service, id_)
    if row is None:
        raise Problem(NOT_FOUND, "There is no such coupon.")
    return row


def _sound(terms: Terms) -> None:
    if flaw := terms.flaw():
        raise invalid(f"/{flaw[0]}", flaw[1])


def _told(visit: Visit, row: Any) -> CouponAnswer:
    visit.tags.tell(row["changes"], row["version"])
    return answer(row, visit.settings.shop_currency)
