"""After the last action: nothing goes wrong any more, and time goes on until nothing is left to happen."""

import asyncio
from datetime import datetime, timedelta

from soko.services import CARDSIM
from soko.simulation.director import BY_TIME, BY_WRITES, Director
from soko.simulation.gate import Fate

LONGEST = timedelta(days=4)
"""By then every timer, retry and deadline has come and gone."""
MOST_ROUNDS = 1500

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


class NeverRestsError(Exception):
    """Days later there is still something to do."""


async def settle(director: Director) -> None:
    """Bring everything to its end. Raises NeverRestsError."""
    director.misfortune.over = True
    until = director.loop.now() + LONGEST
    rounds = 0
    director.wake(BY_WRITES | BY_TIME)
    while True:
        await _run_down(director)
        due = await _due(director)
        if due is None:
            return
        rounds += 1
        if due > until or rounds > MOST_ROUNDS:
            raise NeverRestsError(f"something is still due at {due:%d %H:%M:%S}")
        director.pass_time(max(due - director.loop.now(), timedelta(milliseconds=1)))
        director.wake(BY_WRITES | BY_TIME)


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


async def _due(director: Director) -> datetime | None:
    """When anything is due next, anywhere."""
    watching = director.stage.ground.watching
    found = await asyncio.gather(
        *(each.fetchval(CARDSIM_DUE if name == CARDSIM else DUE) for name, each in watching.items())
    )
    return min((at for at in found if at is not None), default=None)
