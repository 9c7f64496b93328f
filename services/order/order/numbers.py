"""The numbers that people call orders by."""

from collections import deque

from chassis.service import Service

STARTS = "SO-"
SOME = 10
TAKE = "select nextval('order_numbers') from generate_series(1, $1)"


class Numbers:
    """Taken from the sequence some at a time: a checkout seldom waits for one. Gaps are allowed, doubles are not."""

    def __init__(self) -> None:
        self._taken = deque[int]()

    async def next(self, service: Service) -> str:
        """One that no order has had."""
        if not self._taken:
            rows = await service.database.pool.fetch(TAKE, SOME)
            self._taken.extend(row["nextval"] for row in rows)
        return f"{STARTS}{self._taken.popleft()}"
