"""One seed, from its first move to the oracle's word."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from soko import seeding
from soko.oracle import breaches
from soko.simulation import opening
from soko.simulation.chance import Weather, stream
from soko.simulation.clock import BEGINNING, VirtualLoop
from soko.simulation.director import Director
from soko.simulation.gate import Gate
from soko.simulation.ground import Ground
from soko.simulation.misfortune import Misfortune
from soko.simulation.people import Person, Shop
from soko.simulation.rest import NeverRestsError, settle
from soko.simulation.shoppers import Shopper
from soko.simulation.staff import Staff
from soko.simulation.stage import Stage
from soko.simulation.trace import Trace

LATER = timedelta(hours=1)
"""How long after the opening a history begins."""
GUESTS = 3

TOLD = """
select stream, array_agg(type order by version) as types from events where stream like 'order-%' group by stream
order by stream
"""
REASONS = "select data ->> 'reason' as reason, count(*) from events where type = 'cancelled.v1' group by 1 order by 1"
KINDS = "select type, count(*) from events where type = any($1) group by 1 order by 1"
REFUNDS = ("refund_started.v1", "refund_succeeded.v1", "refund_failed.v1", "refund_retried.v1")
COUNTED = ("placed.v1", "confirmed.v1", *REFUNDS, "shipment_updated.v1")


@dataclass
class History:
    """What became of a seed. ``found`` is empty when all is well."""

    seed: int
    weather: Weather
    hash: str = ""
    found: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    lines: Sequence[str] = ()
    seconds: float = 0.0


async def play(seed: int, ground: Ground, gate: Gate, loop: VirtualLoop) -> History:
    """Play a seed on a ground that was reset."""
    began = time.perf_counter()
    weather = Weather.of(stream(seed, "weather"))
    misfortune = Misfortune(weather, stream(seed, "misfortune"))
    history = History(seed, weather, tally=misfortune.tally)
    loop.set(BEGINNING + LATER)
    await ground.reset()
    trace = Trace(loop.now)
    stage = Stage(ground, loop, misfortune, seed, weather.broker, weather.flowing)
    shop = Shop(stage.door, loop, stage.ids, opening.SKUS, trace.say, seeding.demo_password(), misfortune.tally)
    for process in stage.processes.values():
        await process.start()
    gate.closed, gate.fate = True, misfortune.fate
    staff = Staff("staff", shop, stage.chance("staff"), opening.STAFF)
    people = [*_shoppers(shop, stage), staff]
    director = Director(stage, gate, people, weather, misfortune, stage.chance("director"), trace)
    try:
        await director.play()
        await settle(director, staff)
    except NeverRestsError as error:
        history.found.append(str(error))
    finally:
        gate.open()
        stage.die()
        await stage.quiet()
    broken = (each for process in stage.processes.values() for each in process.broken)
    history.found += [*shop.broken, *director.broken, *broken]
    history.found += await _kept_promises(ground, shop, trace)
    history.found += [str(breach) for breach in await breaches(ground.urls)]
    await _count(ground, history)
    await ground.refill()
    history.hash, history.lines = trace.hash, trace.lines
    history.seconds = time.perf_counter() - began
    return history


def _shoppers(shop: Shop, stage: Stage) -> list[Person]:
    people: list[Person] = [Shopper(f"guest{number}", shop, stage.chance(f"guest{number}")) for number in range(GUESTS)]
    for email in opening.CUSTOMERS:
        name = email.partition("@")[0]
        people.append(Shopper(name, shop, stage.chance(name), email))
    return people


async def _kept_promises(ground: Ground, shop: Shop, trace: Trace) -> list[str]:
    """What answers said of orders has to be so: they exist, and what was called confirmed was."""
    told = {row["stream"][6:]: row["types"] for row in await ground.watching["order"].fetch(TOLD)}
    for id_, types in told.items():
        trace.say(f"order {id_}: {' '.join(types)}")
    found = [f"order {id_} was answered and is not there" for id_ in shop.orders if id_ not in told]
    return found + [
        f"order {id_} was called confirmed and never was"
        for id_ in sorted(shop.confirmed)
        if "confirmed.v1" not in told.get(id_, ())
    ]


async def _count(ground: Ground, history: History) -> None:
    order = ground.watching["order"]
    for row in await order.fetch(REASONS):
        history.tally[f"cancelled: {row['reason']}"] += row["count"]
    for row in await order.fetch(KINDS, list(COUNTED)):
        history.tally[row["type"].partition(".")[0]] += row["count"]
