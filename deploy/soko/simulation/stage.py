"""The shop of one history: its processes, the courier between them, and the door."""

from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from chassis.faults import Faults
from chassis.http import Peers
from chassis.world import World
from gateway.service import build as build_gateway
from starlette.types import ASGIApp

from soko.services import GATEWAY
from soko.simulation.chance import Ids, stream
from soko.simulation.clock import VirtualLoop
from soko.simulation.courier import SimulatedCourier
from soko.simulation.ground import PARTS, Ground, build
from soko.simulation.lives import Life
from soko.simulation.misfortune import Misfortune
from soko.simulation.process import Process
from soko.simulation.stores import SimulatedDatabase


@dataclass
class Stage:
    """Everything that one seed plays on. Nothing is started yet."""

    ground: Ground
    loop: VirtualLoop
    misfortune: Misfortune
    seed: int
    broker: bool
    flowing: bool
    processes: dict[str, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = Ids(stream(self.seed, "ids"))
        self._random = stream(self.seed, "world")
        chance = stream(self.seed, "courier")
        self.courier = SimulatedCourier(_Lives(self.processes), self.misfortune, chance, broker=self.broker)
        for name in PARTS:
            kept = self.ground.kept[name]
            self.processes[name] = Process(name, partial(self._make, name), kept, self.misfortune, flowing=self.flowing)
        apps: dict[str, ASGIApp] = dict(self.processes)
        self._apps = apps
        self.door: ASGIApp = build_gateway(self.ground.settings[GATEWAY], apps, self.loop.now).app

    def _make(self, name: str, faults: Faults) -> Any:
        world = World(
            courier=self.courier,
            peers=Peers(self._apps),
            clock=self.loop.now,
            ids=lambda: self.ids.at(self.loop.now()),
            random=self._random,
            faults=faults,
            database=partial(SimulatedDatabase, self.ground.kept[name]),
        )
        return build(name, self.ground.settings[name], world)

    def die(self) -> None:
        """The history is over."""
        for process in self.processes.values():
            process.die()

    async def quiet(self) -> None:
        """Wait until nothing moves by itself, and nothing of the dead is left."""
        await self.loop.quiet()
        while sum(process.bury() for process in self.processes.values()):
            await self.loop.quiet()

    def chance(self, name: str) -> Random:
        """This seed's stream called ``name``."""
        return stream(self.seed, name)


class _Lives(dict[str, Life]):
    """Whoever lives under a name now."""

    def __init__(self, processes: dict[str, Process]) -> None:
        super().__init__()
        self._processes = processes

    def __getitem__(self, name: str) -> Life:
        return self._processes[name].life
