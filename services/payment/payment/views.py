"""From the events of a payment to what is shown of it, and the queries on that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from chassis.http import Way
from chassis.rows import Meta, Put, Remove

from payment.domain import facts
from payment.domain.facts import Event, Status
from payment.domain.state import State
from payment.tables import movements, next_actions, payments, refunds

REFUND_STATUS = {"asked": "pending", "done": "succeeded", "failed": "failed"}


def payment_view(event: Event, state: State, meta: Meta) -> Iterable[Put | Remove]:
    """The payment as it stands after the event, and what the event says of refunds, of money, of the payer."""
    if state.method is None:
        return
    yield Put(payments, _row(state, meta))
    match event:
        case facts.ActionRequired():
            yield Put(next_actions, {"payment_id": meta.id, "action": event.next_action})
        case facts.Authorised() | facts.Captured() | facts.Voided() | facts.Failed():
            yield Remove(next_actions, {"payment_id": meta.id})
        case facts.RefundAsked() | facts.Refunded() | facts.RefundFailed():
            yield Put(refunds, _refund(event.refund_id, state, meta))
    if (moved := movement(event, state)) is not None:
        kind, refund_id, amount = moved
        yield Put(
            movements,
            {
                "payment_id": meta.id,
                "version": meta.version,
                "method": state.method,
                "kind": kind,
                "refund_id": refund_id,
                "amount": amount,
                "currency": state.currency,
                "at": meta.recorded_at,
            },
        )


def movement(event: Event, state: State) -> tuple[Literal["capture", "void", "refund"], str | None, int] | None:
    """Kind, refund and amount of what the event says was moved at the provider; None where nothing was."""
    match event:
        case facts.Captured():
            return "capture", None, event.amount
        case facts.Refunded():
            return "refund", event.refund_id, event.amount
        case facts.Voided(at_provider=True) | facts.Failed(at_provider_voided=True) | facts.PromiseGone(voided=True):
            return "void", None, state.amount
        case _:
            return None


def shown_status(state: State) -> str:
    """The status with its refunds: ``partially_refunded``, ``refunded``, ``refund_failed`` besides its own."""
    if state.status is not Status.CAPTURED:
        return state.status.value
    if state.refunded:
        return "refunded" if state.refunded == state.captured else "partially_refunded"
    ends = {giving.status for giving in state.refunds.values()}
    return "refund_failed" if ends == {"failed"} else state.status.value


def settled(state: State) -> bool:
    """Whether nothing moves before the customer, staff or the order wants something else."""
    if state.status is Status.REQUIRES_ACTION and not state.ending:
        return True
    return not state.calling and not state.unsettled()


def _row(state: State, meta: Meta) -> dict[str, Any]:
    return {
        "id": meta.id,
        "order_id": state.order_id,
        "number": state.number,
        "customer_id": state.customer_id,
        "method": state.method,
        "status": shown_status(state),
        "amount": state.amount,
        "currency": state.currency,
        "captured": state.captured,
        "refunded": state.refunded,
        "reason": state.reason,
        "reference": state.reference,
        "receipt": state.receipt,
        "charge_id": state.charge_id,
        "revision": state.revision,
        "settled": settled(state),
        "version": meta.version,
        "created_at": state.created_at,
        "updated_at": meta.recorded_at,
    }


def _refund(refund_id: str, state: State, meta: Meta) -> dict[str, Any]:
    giving = state.refunds[refund_id]
    return {
        "payment_id": meta.id,
        "refund_id": refund_id,
        "amount": giving.amount,
        "status": REFUND_STATUS[giving.status],
        "reason": giving.reason,
        "updated_at": meta.recorded_at,
    }


SETTLED = "select id from payments where id = any($1::text[]) and settled"
PAYMENT = """
select payments.*, coalesce(
    (select json_agg(json_build_object('id', refund_id, 'amount', refunds.amount, 'status', refunds.status,
                                       'reason', refunds.reason) order by refund_id)
     from refunds where payment_id = payments.id), '[]') as refunds
from payments where id = $1
"""
OF_ORDER = "select id from payments where order_id = $1 order by created_at desc, id desc limit 1"
REVISIONS = "select id, revision from payments where id = any($1::text[])"
NEXT_ACTION = "select action from next_actions where payment_id = $1"
MOVED = """
select payment_id, kind, refund_id, amount, at from movements
where method = any($1::text[]) and at >= $2 and at < $3 order by at, payment_id, version
"""
LONG_OPEN = """
select id from payments where not settled and method = any($1::text[]) and updated_at < $2 order by updated_at limit 100
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which payments a list shows: any of each, a customer's own, made from ``after`` on and just before ``before``."""

    statuses: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    customer_id: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    def ways(self) -> list[Way]:
        """For ``read_page``: one way where few payments can fit, else one for each status or each method."""
        always = list(self._everywhere())
        statuses, methods = dict.fromkeys(self.statuses), dict.fromkeys(self.methods)
        if methods and (statuses or self._few):
            always.append(payments.c.method.in_(methods))
        elif methods:
            return [[*always, payments.c.method == method] for method in methods]
        if not statuses:
            return [always]
        if self._few:
            return [[*always, payments.c.status.in_(statuses)]]
        # Those that still move are few; the others are found by what they have come to rest at.
        still = sa.and_(~payments.c.settled, payments.c.status.in_(statuses))
        at_rest = [sa.and_(payments.c.settled, payments.c.settled_status == status) for status in statuses]
        return [[*always, one] for one in (still, *at_rest)]

    @property
    def _few(self) -> bool:
        return self.customer_id is not None or bool(self.order_ids)

    def _everywhere(self) -> Iterable[sa.ColumnElement[bool]]:
        if self.order_ids:
            yield payments.c.order_id.in_(self.order_ids)
        if self.customer_id is not None:
            yield payments.c.customer_id == self.customer_id
        if self.after is not None:
            yield payments.c.created_at >= self.after
        if self.before is not None:
            yield payments.c.created_at < self.before
