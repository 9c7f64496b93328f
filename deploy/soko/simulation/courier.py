"""Messages between the simulated processes: handed over directly, or by a broker whose queues live on their own.

Within a partition key they stay in order; everything else about them may go wrong that the contract of a courier
allows: lost before ``send`` returns, doubled, late, and in another order across keys.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from random import Random

from chassis.courier import Receive, Unroutable
from soko_contracts import MESSAGES, Envelope

from soko.simulation.lives import Life
from soko.simulation.misfortune import Misfortune

MOST = 20


class SimulatedCourier:
    """``lives`` says who is alive to receive, by name. ``queues`` are the broker's."""

    connected = True

    def __init__(self, lives: Mapping[str, Life], misfortune: Misfortune, chance: Random, *, broker: bool) -> None:
        self._lives, self._misfortune, self._chance, self.broker = lives, misfortune, chance, broker
        self._receivers: dict[str, tuple[frozenset[str], Receive]] = {}
        self.queues: dict[str, list[Envelope]] = {}
        self.busy: set[str] = set()

    def subscribe(self, subscriber: str, types: Collection[str], receive: Receive) -> None:
        self._receivers[subscriber] = (frozenset(types), receive)

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        """Return when all receivers, or the broker, have them. Raises ConnectionError when they may not."""
        if self._misfortune.strikes("send dropped"):
            raise ConnectionError("simulated: nothing was sent")
        given = envelopes[: (len(envelopes) + 1) // 2] if self._misfortune.strikes("send halved") else envelopes
        if self.broker:
            for subscriber, (types, _) in self._receivers.items():
                self.queues.setdefault(subscriber, []).extend(each for each in given if each.type in types)
        else:
            await self._hand_over(given)
        if len(given) < len(envelopes) or self._misfortune.strikes("send unconfirmed"):
            raise ConnectionError("simulated: nobody knows what was sent")
        obeyed = frozenset[str]().union(*(types for types, _ in self._receivers.values()))
        for envelope in envelopes:
            if envelope.type not in obeyed and MESSAGES[envelope.type].KIND == "command":
                raise Unroutable(envelope.type)

    async def _hand_over(self, envelopes: Sequence[Envelope]) -> None:
        deliveries = []
        for subscriber, (types, _) in self._receivers.items():
            wanted = [each for each in envelopes if each.type in types]
            if wanted:
                times = 2 if self._misfortune.strikes("delivered twice") else 1
                deliveries += [self._deliver(subscriber, wanted) for _ in range(times)]
        for result in await asyncio.gather(*deliveries, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _deliver(self, subscriber: str, envelopes: Sequence[Envelope]) -> None:
        _, receive = self._receivers[subscriber]

        async def received() -> None:
            await receive(envelopes)

        await self._lives[subscriber].do(received())

    @property
    def waiting(self) -> list[str]:
        """For whom the broker has messages, and who is there to take them."""
        return [
            name
            for name, queue in self.queues.items()
            if queue and name not in self.busy and not self._lives[name].dead
        ]

    async def deliver_once(self, subscriber: str) -> int:
        """Have one subscriber take some of its messages: of some keys, from the front."""
        queue = self.queues[subscriber]
        keys = list(dict.fromkeys(each.partitionkey for each in queue))
        some = set(self._chance.sample(keys, self._chance.randint(1, len(keys))))
        taken = [each for each in queue if each.partitionkey in some][: self._chance.randint(1, MOST)]
        self.busy.add(subscriber)
        try:
            await self._deliver(subscriber, taken)
        finally:
            self.busy.discard(subscriber)
        if not self._misfortune.strikes("delivered twice"):
            gone = {id(each) for each in taken}
            self.queues[subscriber] = [each for each in self.queues[subscriber] if id(each) not in gone]
        return len(taken)
