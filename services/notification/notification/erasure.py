"""What goes when a customer is erased: addresses, subject lines, messages on their way, and those kept as files."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from chassis.database import Database
from chassis.jobs import Job
from chassis.service import Service

from notification.settings import Settings

BLANK = """
update notifications set recipient = null, title = null, delivery_reason = null,
       status = case status when 'queued' then 'failed' else status end,
       reason = case status when 'queued' then 'erased' else reason end
where subject_id = $1 returning id
"""
REMEMBER = "insert into erasures (subject_id, erased_at) values ($1, $2) on conflict do nothing"
SENT_SINCE = """
select id from notifications where recipient is not null and subject_id in (select subject_id from erasures) limit 1000
"""
BLANK_SENT = """
update notifications set recipient = null, title = null, delivery_reason = null where id = any($1::text[])
"""
STOP_MESSAGES = "delete from calls where name in ('mail', 'sms') and request -> 'notification' ->> 'subject_id' = $1"
FORGET_WISHES = "delete from preferences where customer_id = $1"
DROP_PARKED = """
with gone as (
    delete from inbox where type = 'notification.send.v1' and parked_at is not null and data ->> 'subject_id' = $1
    returning *
)
insert into done (id, message_id, subscription, type, key, correlationid, tries, received_at, finished_at, note)
select id, message_id, subscription, type, key, correlationid, tries, received_at, $2, 'erased' from gone
"""


async def erase(database: Database, folders: Collection[Path], subject_id: str, now: datetime) -> None:
    """Do it; doing it again is harmless."""
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(REMEMBER, subject_id, now)
        rows = await connection.fetch(BLANK, subject_id)
        await connection.execute(STOP_MESSAGES, subject_id)
        await connection.execute(FORGET_WISHES, subject_id)
        await connection.execute(DROP_PARKED, subject_id, now)
    await asyncio.to_thread(_unlink, folders, {row["id"] for row in rows})


async def forget_erased(service: Service) -> str:
    """Blank what went to erased customers since: an order that was under way tells of its parcel still."""
    settings = service.settings
    assert isinstance(settings, Settings)
    ids = [row["id"] for row in await service.database.pool.fetch(SENT_SINCE)]
    # The files first: what a death leaves here is found by its row again.
    await asyncio.to_thread(_unlink, (settings.mail_folder, settings.sms_folder), set(ids))
    await service.database.pool.execute(BLANK_SENT, ids)
    return f"{len(ids)} messages forgotten"


FORGET_ERASED = Job("forget-erased-customers", forget_erased, every=timedelta(hours=1))


def _unlink(folders: Collection[Path], ids: Collection[str]) -> None:
    for file in (file for folder in folders for file in folder.glob("*.*")):
        if file.stem[-36:] in ids:
            file.unlink(missing_ok=True)
