"""What goes out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import orjson
from chassis.http import Answer, Money
from pydantic import ConfigDict
from pydantic.config import JsonDict

from order.api.models import ADDRESS, PaymentStatus, RefundStatus, Status
from order.shipments import ShipmentStatus

SHIPMENT: JsonDict = {
    "id": "0198c0de-7a01-7d15-9c0e-2f4b6a8c0d1e",
    "status": "pending",
    "carrier": None,
    "tracking_number": None,
    "lines": [{"sku": "KET-1", "quantity": 2}],
}
MONEY: JsonDict = {"amount": "0.00", "currency": "KES"}
ORDER: JsonDict = {
    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "number": "SO-1017",
    "customer_id": "0198c0d0-0a0b-7c0d-8e0f-a1b2c3d4e5f6",
    "status": "confirmed",
    "payment_status": "captured",
    "return_status": "none",
    "reason": None,
    "note": None,
    "items": [
        {
            "sku": "KET-1",
            "variant_id": "0198c0dd-11aa-7b3c-8d4e-5f60718293a4",
            "name": "Kettle",
            "quantity": 2,
            "unit_price": {"amount": "2499.00", "currency": "KES"},
            "line_total": {"amount": "4998.00", "currency": "KES"},
            "discount": MONEY,
            "tax": MONEY,
        }
    ],
    "subtotal": {"amount": "4998.00", "currency": "KES"},
    "discount": MONEY,
    "shipping": {"amount": "250.00", "currency": "KES"},
    "tax": MONEY,
    "rounding": MONEY,
    "total": {"amount": "5248.00", "currency": "KES"},
    "shipping_address": {**ADDRESS, "line2": None, "region": None, "instructions": None},
    "shipping_method": "standard",
    "email": "customer@soko.example",
    "coupon": None,
    "payment": {"id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7", "method": "card", "status": "captured"},
    "next_action": None,
    "shipments": [SHIPMENT],
    "shortages": [],
    "expires_at": None,
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:01Z",
}


def shown_as(example: JsonDict) -> ConfigDict:
    """A model's configuration that shows it so in the API's documents."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


class LineAnswer(Answer):
    """One line, at the price it was ordered at."""

    sku: str
    variant_id: str
    name: str
    quantity: int
    unit_price: Money
    line_total: Money
    discount: Money
    tax: Money


class AddressAnswer(Answer):
    """Where it goes."""

    name: str | None
    phone: str | None
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str
    instructions: str | None


class AttemptAnswer(Answer):
    """The attempt that paid, else the latest one."""

    id: str
    method: str
    status: str


class ParcelAnswer(Answer):
    """So many units of a SKU."""

    sku: str
    quantity: int


class ShipmentAnswer(Answer):
    """One parcel of an order."""

    model_config = shown_as(SHIPMENT)

    id: str
    status: ShipmentStatus
    carrier: str | None
    tracking_number: str | None
    lines: list[ParcelAnswer]


class ShortageAnswer(Answer):
    """A SKU of which less was available than was requested."""

    sku: str
    requested: int
    available: int


class CouponAnswer(Answer):
    """The order's coupon: ``asked`` for, ``redeemed``, ``rejected`` (it goes without), or ``returned`` by a cancel."""

    code: str
    status: Literal["asked", "redeemed", "rejected", "returned"]


class NextAction(Answer):
    """What the payer has to do: ``redirect`` to ``url``, ``client_secret`` with ``value``, ``confirm_on_phone``."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"type": "redirect", "url": "https://bank.example/3ds/1"}]}
    )

    type: str


class OrderAnswer(Answer):
    """An order. Address and e-mail are for its owner and for staff who may see them, ``next_action`` for its owner."""

    model_config = shown_as(ORDER)

    id: str
    number: str
    customer_id: str | None
    status: Status
    payment_status: PaymentStatus
    return_status: str
    reason: str | None
    note: str | None
    items: list[LineAnswer]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    rounding: Money
    total: Money
    shipping_address: AddressAnswer | None
    shipping_method: str
    email: str | None
    coupon: CouponAnswer | None
    payment: AttemptAnswer | None
    next_action: NextAction | None
    shipments: list[ShipmentAnswer]
    shortages: list[ShortageAnswer]
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OrderShipmentAnswer(ShipmentAnswer):
    """One parcel, with the order it belongs to."""

    model_config = shown_as(
        {
            **SHIPMENT,
            "order_id": ORDER["id"],
            "number": "SO-1017",
            "created_at": "2026-03-01T12:00:01Z",
            "updated_at": "2026-03-01T12:00:01Z",
        }
    )

    order_id: str
    number: str
    created_at: datetime
    updated_at: datetime


class RefundAnswer(Answer):
    """Money that goes back. A failed one is still owed."""

    model_config = shown_as(
        {
            "id": "0198c0de-8b02-7d15-9c0e-2f4b6a8c0d1e",
            "order_id": ORDER["id"],
            "number": "SO-1017",
            "payment_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7",
            "amount": {"amount": "500.00", "currency": "KES"},
            "reason": "Arrived with a dent",
            "lines": [],
            "status": "pending",
            "created_at": "2026-03-02T09:00:00Z",
            "updated_at": "2026-03-02T09:00:00Z",
        }
    )

    id: str
    order_id: str
    number: str
    payment_id: str
    amount: Money
    reason: str
    lines: list[ParcelAnswer]
    status: RefundStatus
    created_at: datetime
    updated_at: datetime


def order_answer(row: Any, *, personal: bool, next_action: Mapping[str, Any] | None = None) -> OrderAnswer:
    """The order in ``row``. ``personal``: with its address and e-mail, as far as they are not erased."""
    currency = row["currency"]

    def money(name: str) -> Money:
        return Money.of(row[name], currency)

    return OrderAnswer.model_construct(
        id=row["id"],
        number=row["number"],
        customer_id=row["customer_id"],
        status=row["status"],
        payment_status=row["payment_status"],
        return_status=row["return_status"],
        reason=row["reason"],
        note=row["note"] if personal else None,
        items=[_line(line, currency) for line in plain(row["lines"])],
        subtotal=money("subtotal"),
        discount=money("discount"),
        shipping=money("shipping"),
        tax=money("tax"),
        rounding=money("rounding"),
        total=money("total"),
        shipping_address=_address(row) if personal else None,
        shipping_method=row["shipping_method"],
        email=row["email"] if personal else None,
        coupon=CouponAnswer.model_construct(**coupon) if (coupon := plain(row["coupon"])) else None,
        payment=AttemptAnswer.model_construct(**attempt) if (attempt := plain(row["payment"])) else None,
        next_action=NextAction.model_validate(next_action) if next_action else None,
        shipments=[_shipment(each) for each in plain(row["shipments"])],
        shortages=[ShortageAnswer.model_construct(**each) for each in plain(row["shortages"])],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def plain(value: Any) -> Any:
    """What a JSON column holds: text from the driver, read already by SQLAlchemy."""
    return orjson.loads(value) if isinstance(value, str) else value


def _line(line: Mapping[str, Any], currency: str) -> LineAnswer:
    return LineAnswer.model_construct(
        sku=line["sku"],
        variant_id=line["variant_id"],
        name=line["name"],
        quantity=line["quantity"],
        unit_price=Money.of(line["unit_price"], currency),
        line_total=Money.of(line["unit_price"] * line["quantity"], currency),
        discount=Money.of(line["discount"], currency),
        tax=Money.of(line["tax"], currency),
    )


def _address(row: Any) -> AddressAnswer | None:
    address = row["address"]
    if isinstance(address, str):
        address = orjson.loads(address) if address.startswith("{") else None
    if not address:
        return None
    return AddressAnswer.model_construct(
        **{name: address.get(name) for name in ("name", "phone", "line1", "line2", "city", "instructions")},
        region=row["region"],
        postal_code=row["postal_code"],
        country=row["country"],
    )


def _shipment(shipment: Mapping[str, Any]) -> ShipmentAnswer:
    lines = [ParcelAnswer.model_construct(**line) for line in shipment["lines"]]
    return ShipmentAnswer.model_construct(**{**shipment, "status": ShipmentStatus(shipment["status"]), "lines": lines})


def shipment_answer(row: Any) -> OrderShipmentAnswer:
    """The shipment in ``row``."""
    names = ("id", "carrier", "tracking_number", "order_id", "number", "created_at", "updated_at")
    return OrderShipmentAnswer.model_construct(
        **{name: row[name] for name in names},
        status=ShipmentStatus(row["status"]),
        lines=[ParcelAnswer.model_construct(**line) for line in plain(row["lines"])],
    )


def refund_answer(row: Any) -> RefundAnswer:
    """The refund in ``row``."""
    names = ("id", "order_id", "number", "payment_id", "reason", "status", "created_at", "updated_at")
    return RefundAnswer.model_construct(
        **{name: row[name] for name in names},
        amount=Money.of(row["amount"], row["currency"]),
        lines=[ParcelAnswer.model_construct(**line) for line in plain(row["lines"])],
    )
