"""What the order keeps about a customer, as they are shown it."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.exporting import Told

from order.api.answers import order_answer, refund_answer
from order.tables import orders, refunds


def _orders(user_id: str) -> sa.Select[Any]:
    theirs = sa.select(orders).where(orders.c.owner == f"user:{user_id}")
    return theirs.order_by(orders.c.created_at.desc(), orders.c.id.desc())


def _refunds(user_id: str) -> sa.Select[Any]:
    theirs = sa.select(refunds).join(orders, orders.c.id == refunds.c.order_id)
    theirs = theirs.where(orders.c.owner == f"user:{user_id}")
    return theirs.order_by(refunds.c.created_at.desc(), refunds.c.id.desc())


def _order(row: Mapping[str, Any]) -> Any:
    return {**order_answer(row, personal=True).model_dump(exclude={"next_action"}), "phone": row["phone"]}


LISTS: Final = {"orders": Told(_orders, _order), "refunds": Told(_refunds, refund_answer)}
