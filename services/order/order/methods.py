"""Which ways to pay the shop offers, and what each needs: asked of payment, and remembered for a while."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chassis.http import Problem, invalid
from chassis.world import World

REMEMBERED = timedelta(seconds=30)
TRIED_AGAIN = timedelta(seconds=1)


class PaymentMethods:
    """The methods with the fields they need. While payment cannot be reached, what it said last stands."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: Mapping[str, Sequence[str]] | None = None
        self._until: datetime | None = None

    async def check(self, method: str, given: Mapping[str, str | None], pointer: str) -> None:
        """422 for a method that is not offered, or one that misses a field.

        A shop whose payment service was never heard of takes the order: payment refuses the attempt if it must.
        """
        known = await self._ask()
        if known is None:
            return
        if method not in known:
            raise invalid(f"{pointer}/method", f"must be one of {', '.join(sorted(known))}")
        for field in known[method]:
            if not given.get(field):
                raise invalid(f"{pointer}/{field}", f"is required to pay by {method}")

    async def _ask(self) -> Mapping[str, Sequence[str]] | None:
        now = self._world.clock()
        if self._until is not None and now < self._until:
            return self._known
        self._until = now + TRIED_AGAIN
        try:
            answer = await self._world.peers.get("payment", "/internal/v1/payments/methods")
        except Problem:
            return self._known
        if answer.ok:
            self._known = {each["method"]: tuple(each["fields"]) for each in answer.json()["items"]}
            self._until = now + REMEMBERED
        return self._known
