"""What payment keeps about a payer, as they are shown it: no token and no phone, which are gone once they were used."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.exporting import Told

from payment.api.reading import shown
from payment.tables import payments, refunds

_OF_IT = sa.func.json_build_object(
    "id", refunds.c.refund_id, "amount", refunds.c.amount, "status", refunds.c.status, "reason", refunds.c.reason
)
_REFUNDS = (
    sa.select(sa.cast(sa.func.coalesce(sa.func.json_agg(_OF_IT), sa.text("'[]'")), sa.Text))
    .where(refunds.c.payment_id == payments.c.id)
    .scalar_subquery()
)


def _payments(user_id: str) -> sa.Select[Any]:
    theirs = sa.select(payments, _REFUNDS.label("refunds")).where(payments.c.customer_id == user_id)
    return theirs.order_by(payments.c.created_at.desc(), payments.c.id.desc())


def _payment(row: Mapping[str, Any]) -> Any:
    return shown(row).model_dump(exclude={"next_action"})


LISTS: Final = {"payments": Told(_payments, _payment)}
