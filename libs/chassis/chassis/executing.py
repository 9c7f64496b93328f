"""Giving one command to its stream or streams: load, decide, write with one statement, again where a race is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis import idempotency
from chassis.batch import Batch, Held, Unloaded, streams_of
from chassis.context import Context
from chassis.decider import Many, Refused
from chassis.once import Once
from chassis.outcome import Do
from chassis.sealing import Connected
from chassis.worker import ONE_AT_A_TIME, OPTIMISTIC_ROUNDS
from chassis.writing import Conflict, Statement, statement

if TYPE_CHECKING:
    from chassis.service import Service

ROUNDS = OPTIMISTIC_ROUNDS * 3


class Moved(Exception):
    """The stream is no longer at the version that the caller had read: read it again, and see whether it still fits."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What a command came to. ``replayed``: an earlier request with the same key did it, ``resource_id`` names what."""

    state: Any
    version: int
    replayed: bool = False
    resource_id: str | None = None


async def execute(
    service: "Service", do: Do, context: Context, once: Once | None, *, new: bool = False, expected: int | None = None
) -> Executed:
    """Decide on what is remembered first (``new``: on streams that are not there yet), and if that is not enough on
    what is read. After many lost races the other writers wait. Raises Refused and KeyReused, and Moved where the one
    stream is not at the version ``expected``.
    """
    for attempt in range(ROUNDS + 1):
        try:
            async with service.database.pool.acquire() as connection:
                # The key's own primary key decides between two that come at once: the second waits for the first
                # one's commit, loses its write, and finds here what the first has made.
                if attempt and once is not None:
                    earlier = await idempotency.recall(connection, once)
                    if earlier is not None:
                        return Executed(None, 0, replayed=True, resource_id=earlier)
                if attempt < ROUNDS:
                    believed = service.store.remembered(streams_of([do]), new=new) if attempt == 0 else {}
                    batch, written = await _attempt(service, connection, do, context, once, believed, expected)
                else:
                    async with connection.transaction():
                        await connection.execute(ONE_AT_A_TIME)
                        batch, written = await _attempt(service, connection, do, context, once, {}, expected)
        except Conflict:
            continue
        except (Refused, Moved):
            if attempt == 0 and once is not None:
                continue  # it may be this key's own effect that stands in the way: look for that first
            raise
        # Only now is it committed: a state remembered earlier would outlive a commit that failed.
        service.committed(batch.draft, written)
        held = Held(0, None) if isinstance(do.decider, Many) else batch.state(do.decider.name(do.id))
        return Executed(held.state, held.version, resource_id=once.resource_id if once else None)
    raise Conflict(f"{do} lost every round")


async def _attempt(
    service: "Service",
    connection: Connected,
    do: Do,
    context: Context,
    once: Once | None,
    believed: Mapping[str, Held],
    expected: int | None,
) -> tuple[Batch, Statement]:
    """Decide on the states that are ``believed``, and on others as they are read.

    Raises Conflict also where that belief was all there was to go by: only an append proves it.
    """
    now, streams = service.world.clock(), streams_of([do])
    held = {**believed, **await service.store.load(connection, streams - believed.keys())}
    if expected is not None and any(held[stream].version != expected for stream in streams):
        raise Conflict("what is remembered is older") if believed else Moved
    batch = Batch(service.aggregates, held, now, service.world.ids)
    while True:
        try:
            batch.carry_out([do], context)
            break
        except Unloaded as missing:
            batch.load(await service.store.load(connection, missing.streams))
        except Refused as refused:
            if believed:
                raise Conflict("refused on what is remembered") from refused
            raise
    if believed.keys() - batch.draft.held.keys():
        raise Conflict("nothing was appended to a stream that was not read")
    made = await statement(connection, batch.draft, service.name, now, once, service.lease())
    await made.run(connection)
    return batch, made
