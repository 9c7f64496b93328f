"""Giving one command to its stream or streams: load, decide, write with one statement, again where a race is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncpg import UniqueViolationError

from chassis import idempotency
from chassis.batch import Batch, Held, Unloaded, streams_of
from chassis.context import Context
from chassis.decider import Many, Refused
from chassis.once import Once
from chassis.outcome import Do
from chassis.sealing import Connected, Sealing
from chassis.tables import subject_keys
from chassis.worker import ONE_AT_A_TIME, OPTIMISTIC_ROUNDS
from chassis.writing import EMPTY, Conflict, Statement, Unmet, statement

if TYPE_CHECKING:
    from chassis.service import Service

ROUNDS = OPTIMISTIC_ROUNDS * 3


class KeysMoved(Exception):
    """What a command's values were sealed with are not their subjects' keys any more: seal them again."""


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
    service: "Service",
    do: Do,
    context: Context,
    once: Once | None,
    *,
    new: bool = False,
    expected: int | None = None,
    sealing: Sealing | None = None,
) -> Executed:
    """Decide on what is remembered first (``new``: on streams that are not there yet), and if that is not enough on
    what is read. After many lost races the other writers wait. Raises Refused and KeyReused, Moved where the one stream
    is not at the version ``expected``, and KeysMoved where the command's values have to be sealed again.
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
                    batch, written = await _attempt(service, connection, do, context, once, believed, expected, sealing)
                else:
                    async with connection.transaction():
                        await connection.execute(ONE_AT_A_TIME)
                        batch, written = await _attempt(service, connection, do, context, once, {}, expected, sealing)
        except Conflict as lost:
            if sealing is not None and _is_about_keys(lost, sealing):
                service.keyring.drop(sealing.values)
                raise KeysMoved from lost
            continue
        except (Refused, Moved):
            if attempt == 0 and once is not None:
                continue  # it may be this key's own effect that stands in the way: look for that first
            raise
        # Only now is it committed: a state remembered earlier would outlive a commit that failed.
        if sealing is not None and batch.draft:
            service.keyring.keep(sealing.made)
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
    sealing: Sealing | None,
) -> tuple[Batch, Statement]:
    """Decide on the states that are ``believed``, and on others as they are read."""
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
    keys = sealing.made if sealing is not None else EMPTY
    made = await statement(connection, batch.draft, service.name, now, once, service.lease(), keys, service.keyring)
    if sealing is not None and batch.draft:
        made.believe_keys(sealing.believed)
    made.believe_versions({name: held.version for name, held in believed.items() if name not in batch.draft.held})
    await made.run(connection)
    return batch, made


def _is_about_keys(lost: Conflict, sealing: Sealing) -> bool:
    """Whether it may have been lost for a key: one that was believed, or one that another has made first."""
    if isinstance(lost, Unmet):
        return not lost.keys.isdisjoint(sealing.believed)
    return isinstance(lost.__cause__, UniqueViolationError) and lost.__cause__.table_name == subject_keys.name
