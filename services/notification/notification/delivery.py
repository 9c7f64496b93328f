"""What providers say became of a message after it left. It is kept beside the message and decides nothing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from chassis.logs import blanked
from chassis.service import Service


class Delivery(StrEnum):
    """``bounced``: the mail came back. ``complained``: its reader called it spam."""

    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class Report:
    """One report; ``reason`` as the provider gives it."""

    status: Delivery
    reason: str | None = None


# Reports come twice and in any order: what is final stays. Of mail "delivered" is not: a mailbox takes it and sends it
# back later, or its reader complains. Of those who are erased, who have no receiver here any more, no reason is kept.
SET = """
update notifications set delivery = $2, delivery_reason = case when recipient is not null then $3 end, reported_at = $4
where {} = $1 and channel = $5
  and (delivery is null or delivery = 'delivered' and $2 in ('bounced', 'complained'))
"""
BY_OUR_ID, BY_THEIR_ID = SET.format("id"), SET.format("provider_id")
LONGEST: Final = 200


async def note(service: Service, sql: str, id_: str, channel: str, report: Report, now: datetime) -> None:
    """Keep it, if a message by ``channel`` is called so and nothing final is known of it. ``sql`` is one of the above.

    Mail servers name the address in their reasons: it is blanked.
    """
    reason = blanked(report.reason)[:LONGEST] if report.reason else None
    await service.database.pool.execute(sql, id_, str(report.status), reason, now, channel)
