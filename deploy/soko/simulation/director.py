"""Who moves next: drawn from the seed, one move at a time, each only when nothing else moves by itself."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
from chassis.database import AWAY, caused_by
from chassis.faults import Crash
from chassis.writing import Conflict

from soko.simulation.chance import Weather, weighted
from soko.simulation.clock import VirtualLoop
from soko.simulation.gate import Fate, Gate, Waiting
from soko.simulation.lives import Died
from soko.simulation.misfortune import Misfortune
from soko.simulation.people import Person
from soko.simulation.stage import Stage
from soko.simulation.trace import Trace

TICKS = tuple(timedelta(milliseconds=each) for each in (1, 20, 60, 300, 1000, 5000))
LEAPS = tuple(timedelta(seconds=each) for each in (31, 70, 300, 960, 3700))
SHORT = timedelta(milliseconds=300)
"""Time shorter than this makes nobody look for what is due by now."""
BY_TIME = frozenset({"timers", "worker", "calls", "relay", "bank", "send"})
BY_WRITES = frozenset({"relay", "worker", "calls", "extra", "bank", "send"})

EXPECTED: tuple[type[BaseException], ...] = (*AWAY, asyncpg.PostgresError, Conflict, Died, Crash)
"""What a step may raise while things go wrong, itself or in SQLAlchemy's words: the loop around it tries again."""

Step = tuple[str, str]


class Director:
    """``play`` moves everything until the people have done what they wanted."""

    def __init__(
        self,
        stage: Stage,
        gate: Gate,
        people: Sequence[Person],
        weather: Weather,
        misfortune: Misfortune,
        chance: Random,
        trace: Trace,
    ) -> None:
        self.stage, self.gate, self.people, self.weather = stage, gate, people, weather
        self.misfortune, self.trace, self._chance = misfortune, trace, chance
        self.loop: VirtualLoop = stage.loop
        self.broken: list[str] = []
        self._tasks: dict[asyncio.Task[Any], tuple[str, Any]] = {}
        self._ready: dict[Step, None] = {}
        self._running: set[Step] = set()
        self._last: str | None = None
        self._left = weather.actions

    async def play(self) -> None:
        """Until every action is done and answered."""
        while self._left or any(kind == "person" for kind, _ in self._tasks.values()):
            await self.next_quiet()
            self._strike()
            move = weighted(self._chance, self._moves())
            getattr(self, f"_{move}")()

    async def next_quiet(self) -> None:
        """Wait until nothing moves by itself, and note what has ended."""
        await self.stage.quiet()
        for task, (kind, what) in list(self._tasks.items()):
            if task.done():
                del self._tasks[task]
                self._ended(task, kind, what)

    def _moves(self) -> Mapping[str, float]:
        """What can be done now, and how likely each is."""
        stage = self.stage
        moves = {
            "grant": 12.0 if self.gate.waiting else 0.0,
            "step": 5.0 if self.steps() else 0.0,
            "deliver": 4.0 if stage.courier.waiting else 0.0,
            "act": 0.15 if self._left and self._idle() else 0.0,
            "revive": 0.7 if self._fallen() else 0.0,
        }
        rest = sum(moves.values())
        return moves | {"tick": max(rest * self.weather.patience, 0.01), "leap": rest * self.weather.patience / 60}

    # Moves

    def _grant(self) -> None:
        waiting = self.gate.waiting
        same = [each for each in waiting if each.life and each.life.name == self._last]
        one = self._chance.choice(same if same and self._chance.random() < self.weather.staying else waiting)
        self.let(one, self.misfortune.fate(one.life, one.sql))

    def let(self, one: Waiting, fate: Fate) -> None:
        """A statement's turn."""
        self._last = one.life.name if one.life else None
        self.trace.say(f"{one.label}{'' if fate is Fate.GOOD else f': {fate.value}'}")
        if one.writes and one.life and not one.by_step:  # what a step did its result tells
            self.written(one.life.name)
        self.gate.let(one, fate)

    def _step(self) -> None:
        self.begin_step(self._chance.choice(self.steps()))

    def begin_step(self, step: Step) -> None:
        """One step of a process."""
        name, what = step
        process = self.stage.processes[name]
        del self._ready[step]
        self._running.add(step)
        self._begin(process.life.begin(_result(process.steps[what]), step=True), "step", step)

    def _deliver(self) -> None:
        self.begin_delivery(self._chance.choice(self.stage.courier.waiting))

    def begin_delivery(self, subscriber: str) -> None:
        """The broker gives a subscriber something."""
        self._begin(self.loop.create_task(self.stage.courier.deliver_once(subscriber)), "delivery", subscriber)

    def _act(self) -> None:
        person = self._chance.choice(self._idle())
        self._left -= 1
        self.begin_visit(person, person.act())

    def begin_visit(self, person: Person, visit: Coroutine[Any, Any, None]) -> None:
        """Somebody does something."""
        self._begin(self.loop.create_task(visit), "person", person)

    def _revive(self) -> None:
        self.begin_life(self._chance.choice(self._fallen()))

    def begin_life(self, name: str) -> None:
        """Start a process that died."""
        process = self.stage.processes[name]
        self._running.add((name, "start"))
        self._begin(self.loop.create_task(process.start()), "start", (name, "start"))

    def _tick(self) -> None:
        self.pass_time(self._chance.choice(TICKS))

    def _leap(self) -> None:
        self.pass_time(self._chance.choice(LEAPS))
        for name, process in self.stage.processes.items():
            if process.running and "jobs" in process.steps:
                self._ready[name, "jobs"] = None

    def pass_time(self, by: timedelta) -> None:
        """Move the clock."""
        self.trace.say(f"time passes: {by.total_seconds()} s")
        self.loop.advance(by)
        if by >= SHORT and not self.misfortune.over:
            self.wake(BY_TIME)

    def _strike(self) -> None:
        """A process may die at any moment."""
        if self.misfortune.strikes("crash"):
            process = self._chance.choice(list(self.stage.processes.values()))
            if process.running:
                self.trace.say(f"{process.name} is killed")
                process.die()

    # What there is to do

    def steps(self) -> list[Step]:
        """Steps that may have something to do."""
        processes = self.stage.processes
        return [step for step in self._ready if step not in self._running and processes[step[0]].running]

    def written(self, name: str) -> None:
        """Something was written by this process: its steps may have something to do."""
        steps = self.stage.processes[name].steps
        self._ready |= {(name, step): None for step in steps if step in BY_WRITES}

    def wake(self, steps: frozenset[str], names: Collection[str] | None = None) -> None:
        """These steps, of everybody or of some, may have something to do."""
        for name, process in self.stage.processes.items():
            if process.running and (names is None or name in names):
                self._ready |= {(name, step): None for step in process.steps if step in steps}

    @property
    def busy(self) -> bool:
        """Whether anything was begun and has not ended."""
        return bool(self._tasks)

    def _idle(self) -> list[Person]:
        acting = [what for kind, what in self._tasks.values() if kind == "person"]
        return [person for person in self.people if all(person is not each for each in acting)]

    def _fallen(self) -> list[str]:
        return [
            name
            for name, process in self.stage.processes.items()
            if not process.running and (name, "start") not in self._running
        ]

    @property
    def fallen(self) -> list[str]:
        """Processes that nobody has started yet."""
        return self._fallen()

    def _begin(self, task: "asyncio.Task[Any]", kind: str, what: Any) -> None:
        self._tasks[task] = kind, what

    def _ended(self, task: "asyncio.Task[Any]", kind: str, what: Any) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if kind == "person":
            self.misfortune.tally[what.did] += 1
            if error is not None:
                self.broken.append(f"{what.name}: {error!r}")
            return
        if kind == "delivery":
            self.trace.say(f"delivery to {what}: {type(error).__name__ if error else task.result()}")
            return
        self._running.discard(what)
        name, step = what
        if isinstance(error, Crash):
            self.stage.processes[name].die()
        dead = self.stage.processes[name].dead and step != "start"
        self.trace.say(f"{name}.{step}: {'dead' if dead else type(error).__name__ if error else task.result()}")
        if dead:
            return
        if error is not None:
            if not caused_by(error, (*EXPECTED, asyncio.CancelledError)):
                self.broken.append(f"{name}.{step} raised {error!r}")
            if step != "start":
                self._ready[name, step] = None
        elif step == "start":
            self._ready |= {(name, each): None for each in self.stage.processes[name].steps if each != "jobs"}
        elif task.result():
            self.written(name)
            self._ready[name, step] = None


async def _result(step: Any) -> int:
    result: int = await step()
    return result
