"""What goes when a customer is erased: addresses, subject lines, messages on their way, and those kept as files."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from chassis.database import Database

BLANK = """
update notifications set recipient = null, title = null,
       status = case status when 'queued' then 'failed' else status end,
       reason = case status when 'queued' then 'erased' else reason end
where subject_id = $1 returning id
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
        rows = await connection.fetch(BLANK, subject_id)
        await connection.execute(STOP_MESSAGES, subject_id)
        await connection.execute(FORGET_WISHES, subject_id)
        await connection.execute(DROP_PARKED, subject_id, now)
    await asyncio.to_thread(_unlink, folders, {row["id"] for row in rows})


def _unlink(folders: Collection[Path], ids: Collection[str]) -> None:
    for file in (file for folder in folders for file in folder.glob("*.*")):
        if file.stem[-36:] in ids:
            file.unlink(missing_ok=True)
