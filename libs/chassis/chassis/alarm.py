"""Telling the shop's administrator that something was given up here: parked messages wait for a person.

One mail an hour and service at most, however many there are: the hour in which they were parked is the mail's cause,
and a cause is told once.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from soko_contracts.notification import Send
from soko_contracts.registry import Message

from chassis.context import Context
from chassis.jobs import Job

if TYPE_CHECKING:
    from chassis.service import Service

RECENT: Final = timedelta(hours=2)
"""Long enough that a job which did not run for a while leaves nothing out."""
PARKED_SINCE = """
select date_trunc('hour', parked_at, 'UTC') as hour, count(*) as count, array_agg(distinct name order by name) as names
from (select type as name, parked_at from inbox where parked_at >= $1
      union all select name, parked_at from calls where parked_at >= $1) parked
group by 1 order by 1
"""


async def tell_of_parked(service: "Service") -> str:
    """Ask notification to tell of what was parked lately; what it knows already it tells no more."""
    now = service.world.clock()
    rows = await service.database.pool.fetch(PARKED_SINCE, now - RECENT)
    if not rows:
        return "nothing was given up"
    id_ = service.world.ids()
    async with service.unit(Context(id_, id_, id_)) as unit:
        for row in rows:
            hour = row["hour"].isoformat()
            told = Send(
                cause=f"{service.name} {hour}",
                kind="message_parked",
                subject_id="admin",
                customer_id=None,
                contact={},
                data={"service": service.name, "hour": hour, "count": row["count"], "names": row["names"]},
            )
            unit.send(cast("Message", told), subject="admin", sequence=0)
    return f"{sum(row['count'] for row in rows)} were given up in the last {RECENT}"


TELL_OF_PARKED = Job("tell-of-parked", tell_of_parked, every=timedelta(minutes=5))
