"""The first step of an order with a coupon: only once it has its use, or goes on without, is stock asked for."""

from collections.abc import Sequence
from dataclasses import replace

from order import commands, events
from order.events import Event
from order.state import Order, Phase
from order.totals import quote
from order.values import CouponStatus


def coupon_redeemed(command: commands.RecordCouponRedeemed, state: Order) -> Sequence[Event]:
    """Only now stock is asked for. An order that is over has given the use back already."""
    return [events.CouponRedeemed()] if _asks(state) else []


def coupon_rejected(command: commands.RecordCouponRejected, state: Order) -> Sequence[Event]:
    """Called off, or placed without it, as the customer chose."""
    if not _asks(state):
        return []
    assert state.coupon is not None
    rejected = events.CouponRejected(reason=command.reason)
    if state.coupon.required:
        over = events.Cancelled(reason="coupon_rejected", note=None, shortages=(), cancelled_at=command.now)
        return [rejected, over]
    full = quote([replace(line, discount=0) for line in state.lines], state.coupon.shipping, state.totals.currency)
    return [rejected, events.PlacedWithoutCoupon(lines=full.lines, totals=full.totals)]


def _asks(state: Order) -> bool:
    return state.phase is Phase.PENDING and state.coupon is not None and state.coupon.status is CouponStatus.ASKED
