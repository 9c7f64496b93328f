"""Looking at the database's change counter: whether the answers that are kept are true still."""

from datetime import UTC, datetime, timedelta

from chassis.service import Service

from catalog.cache import Answers, Period

LONGEST = timedelta(minutes=10)
"""No answer is kept for longer: at every full ten minutes all of them end, in all replicas."""
TRUSTED = timedelta(seconds=0.7)
"""For how long a look is good. One that comes late (a process that was frozen, a database that is slow or away) must
not let a price be shown that changed a second ago: whoever asks then has to look first."""
EPOCH = datetime.fromtimestamp(0, UTC)

# The counter, and the next moment at which a sale starts or ends: until then nothing shown changes by itself. Other
# changes may be counted to the same number, by a server that takes over or comes back from a backup, by a database
# copied from this one, by tables made anew: when the server started, and the two oids, tell them apart.
LOOK = """
SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'changes'::regclass::oid,
        (SELECT coalesce(sum(count), 0) FROM changes)) AS mark,
    least((SELECT min(starts_at) FROM discounts WHERE starts_at > $1),
        (SELECT min(ends_at) FROM discounts WHERE ends_at > $1)) AS edge
"""


async def look(answers: Answers, service: Service) -> int:
    """A step of the service's loop, which rests for 200 ms after each."""
    async with service.database.pool.acquire() as connection:
        now, drops = service.world.clock(), answers.drops
        row = await connection.fetchrow(LOOK, now)
    assert row is not None
    if drops != answers.drops:
        return 1  # something was written meanwhile: this may be older
    full = now - (now - EPOCH) % LONGEST + LONGEST
    period = Period(row["mark"], min(full, row["edge"] or full))
    answers.stand(period, min(now + TRUSTED, period.until))
    return 0
