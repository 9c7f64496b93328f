"""After the last action: nothing goes wrong any more, and time goes on until nothing is left to happen."""

import asyncio
from datetime import datetime, timedelta

from soko.services import CARDSIM
from soko.simulation.director import BY_TIME, BY_WRITES, Director
from soko.simulation.gate import Fate
from soko.simulation.staff import Staff

LONGEST = timedelta(days=4)
"""By then every timer, retry and deadline has come and gone."""
MOST_ROUNDS = 1500
LOOK = timedelta(milliseconds=250)
"""Loops look again into the database after this long."""

DUE = """
select min(at) from (
    select min(due_at) as at from timers
    union all select min(due_at) from inbox where parked_at is null
    union all select min(greatest(due_at, coalesce(leased_until, due_at))) from calls where parked_at is null
    union all select min(time) from outbox
) due
"""
CARDSIM_DUE = """
select min(at) from (
    select min(answers_at) as at from charges where answers_at is not null and status = 'pending'
    union all select min(due_at) from webhooks where parked_at is null
) due
"""


LEFT = """
select 'timer ' || name || ' of ' || stream as what from timers
union all select 'message ' || type || ' about ' || subject || coalesce(': ' || error, '') from inbox
union all select 'call ' || name || ' of ' || stream || coalesce(': ' || error, '') from calls
union all select 'unsent ' || type || ' about ' || subject from outbox
"""


class NeverRestsError(Exception):
    """Days later there is still something to do."""


async def settle(director: Director, staff: Staff) -> None:
    """Bring everything to its end. Raises NeverRestsError.

    Units that a count found missing are brought in: a confirmed order waits for them as long as it takes.
    """
    director.misfortune.over = True
    until = director.loop.now() + LONGEST
    rounds = 0
    director.wake(BY_WRITES | BY_TIME)
    await _run_down(director)
    director.begin_visit(staff, staff.make_good())
    while True:
        await _run_down(director)
        dues = await _dues(director)
        if not dues:
            return
        due = min(dues.values())
        rounds += 1
        if due > until or rounds > MOST_ROUNDS:
            raise NeverRestsError(f"after {rounds} rounds, at {due:%d %H:%M:%S}: {await _left(director)}")
        director.pass_time(max(due - director.loop.now(), LOOK))
        director.wake(BY_WRITES | BY_TIME, [name for name, at in dues.items() if at <= director.loop.now()])


async def _run_down(director: Director) -> None:
    """Until nothing can be done at this time of the clock, first come first served."""
    while True:
        await director.next_quiet()
        if director.gate.waiting:
            director.let(director.gate.waiting[0], Fate.GOOD)
        elif fallen := director.fallen:
            director.begin_life(fallen[0])
        elif waiting := director.stage.courier.waiting:
            director.begin_delivery(waiting[0])
        elif steps := director.steps():
            director.begin_step(steps[0])
        elif director.busy:
            timer = director.loop.next_timer
            if timer is None:
                raise NeverRestsError("somebody waits for what never comes")
            director.pass_time(max(timer - director.loop.now(), timedelta(microseconds=1)))
        else:
            return


async def _dues(director: Director) -> dict[str, datetime]:
    """When anything is due next, by the name of the process that has something to do."""
    watching = director.stage.ground.watching
    found = await asyncio.gather(
        *(each.fetchval(CARDSIM_DUE if name == CARDSIM else DUE) for name, each in watching.items())
    )
    return {name: at for name, at in zip(watching, found, strict=True) if at is not None}


async def _left(director: Director) -> str:
    """What is still to be done, for people."""
    watching = director.stage.ground.watching
    found = [(name, await each.fetch(LEFT)) for name, each in watching.items() if name != CARDSIM]
    return "; ".join(f"{name} has {row['what']}" for name, rows in found for row in rows)
