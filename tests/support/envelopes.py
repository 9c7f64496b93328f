"""Messages with nothing in them, for tests of how they travel."""

from datetime import UTC, datetime

from chassis.world import new_id
from soko_contracts import Envelope

EVENT = "order.confirmed.v1"
COMMAND = "inventory.reserve_stock.v1"


def envelope(number: int, type_: str = EVENT, data: bytes = b"{}", traceparent: str | None = None) -> Envelope:
    """The ``number``th of the same order."""
    return Envelope(
        id=new_id(),
        source="order",
        type=type_,
        time=datetime.now(UTC),
        subject="order-1",
        partitionkey="order-1",
        sequence=number,
        correlationid="story",
        causationid="cause",
        traceparent=traceparent,
        data=data,
    )
