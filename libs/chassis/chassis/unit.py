"""One transaction of a state-stored service: its own SQL, and what goes out with it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from soko_contracts.registry import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.batch import Asking, Draft, Sent
from chassis.context import Context
from chassis.decider import Call
from chassis.rows import Keep, Put, Remove

if TYPE_CHECKING:
    from chassis.service import Service


@dataclass(slots=True)
class Unit:
    """``sql`` is the open transaction; messages, calls and rows are written at its end, with it or not at all.

    ``replayed`` is the resource that an earlier request with the same idempotency key made: then do nothing more.
    ``resource_id`` is set by the body when only it can know what it makes.
    """

    service: "Service"
    sql: AsyncConnection
    context: Context
    now: datetime
    replayed: str | None = None
    resource_id: str | None = None
    draft: Draft = field(default_factory=Draft)

    def send(self, message: Message, *, subject: str, sequence: int) -> None:
        """A message about ``subject``. An event's ``sequence`` is the row's counter, raised under the row's lock."""
        self.draft.sent.append(Sent(self.service.world.ids(), message, subject, sequence, self.context))

    def call(self, call: Call) -> None:
        """Something outside to be asked after the commit."""
        self.draft.calls.append(Asking(self.service.world.ids(), "", call, self.context))

    def put(self, row: Put | Remove | Keep) -> None:
        """A row to write, the same way views do."""
        self.draft.add_row(row)

    def forget(self, subject: str) -> None:
        """Delete the key of ``subject`` here."""
        self.draft.forgotten.append(subject)


async def driver(sql: AsyncConnection) -> Any:
    """The asyncpg connection under an AsyncConnection, for the chassis's statements in the same transaction."""
    return (await sql.get_raw_connection()).driver_connection
