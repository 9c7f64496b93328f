"""Forgetting customers who closed their account, once no order of theirs needs the name and address any more.

What was sealed is unreadable from the moment its key is gone, in events and backups alike; here the rows that showed
it opened are blanked as a rebuilt view would show them.
"""

from datetime import timedelta

from chassis.jobs import Job
from chassis.service import Service

FORGET = """
with due as (
    select user_id from erasures
    where not exists (select 1 from orders where customer_id = erasures.user_id and not done)
      and (erased_at is null or exists (select 1 from subject_keys where subject = erasures.user_id))
), gone as (
    delete from subject_keys where subject in (select user_id from due)
), blank as (
    update orders set email = 'erased', phone = 'erased', address = '"erased"',
                      note = case when note is null then null else 'erased' end
    where customer_id in (select user_id from due)
)
update erasures set erased_at = $1 where user_id in (select user_id from due)
"""
# A key made after the erasure, by a checkout that was under way, is found and deleted too.


async def forget_erased(service: Service) -> str:
    """Delete the keys of those whose last order is over."""
    async with service.database.pool.acquire() as connection:
        done: str = await connection.execute(FORGET, service.world.clock())
    return f"{done.rpartition(' ')[2]} customers forgotten"


FORGET_ERASED = Job("forget-erased-customers", forget_erased, every=timedelta(minutes=1))
