"""What the cart service keeps about a customer, as they are shown it."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.exporting import Told
from chassis.http import Money

from cart.domain import Status
from cart.tables import carts, redemptions


def lists(currency: str) -> dict[str, Told]:
    """The lists. Prices of lines are in the shop's ``currency``."""

    def cart(row: Mapping[str, Any]) -> Any:
        lines = [{**line, "unit_price": Money.of(line["unit_price"], currency)} for line in row["lines"]]
        return {**row, "lines": lines}

    return {"carts": Told(_carts, cart), "coupons": Told(_coupons)}


_SHOWN: Final = ("cart_id", "status", "lines", "coupon", "opened_at", "updated_at", "closed_at", "abandoned_at")


def _carts(user_id: str) -> sa.Select[Any]:
    theirs = sa.select(*(carts.c[name] for name in _SHOWN)).where(_own(user_id), carts.c.status != Status.GONE)
    return theirs.order_by(carts.c.number.desc())


def _coupons(user_id: str) -> sa.Select[Any]:
    shown = (redemptions.c[name] for name in ("order_id", "code", "status", "reason", "updated_at"))
    theirs = sa.select(*shown).join(carts, carts.c.order_id == redemptions.c.order_id)
    return theirs.where(_own(user_id)).order_by(carts.c.number.desc())


def _own(user_id: str) -> sa.ColumnElement[bool]:
    return carts.c.owner == f"user:{user_id}"
