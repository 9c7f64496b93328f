"""Where units are kept. A location is a name and a place in the order in which locations give their units.

The main one is there from the beginning; there is no way to take one away, since its movements stay in the ledger.
"""

from dataclasses import dataclass
from typing import assert_never

from chassis.decider import Decider, Refused

from inventory.domain.shelves import MAIN


@dataclass(frozen=True, slots=True)
class Add:
    """There is one more location."""

    name: str
    priority: int


@dataclass(frozen=True, slots=True)
class Change:
    """It is called otherwise, or gives sooner or later. None: as before."""

    location_id: str
    name: str | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """The location can hold units from now on."""

    name: str
    priority: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Name and priority as they are from now on."""

    name: str
    priority: int


EVENTS: dict[str, type] = {"added.v1": Added, "changed.v1": Changed}

NAME = "Main"
"""What the main location is called until somebody names it."""


@dataclass(frozen=True, slots=True)
class Location:
    """``name`` is null until the location is added. The lowest ``priority`` gives first."""

    name: str | None = None
    priority: int = 0


def decide(command: Add | Change, state: Location) -> list[Added | Changed]:
    """Refuses ``unknown-location``."""
    match command:
        case Add(name, priority):
            return [Added(name, priority)] if state.name is None else []
        case Change(location_id, name, priority):
            if state.name is None and location_id != MAIN:
                raise Refused("unknown-location", "There is no such location.")
            now = Changed(name or state.name or NAME, state.priority if priority is None else priority)
            return [] if (now.name, now.priority) == (state.name, state.priority) else [now]
        case _:
            assert_never(command)


def evolve(state: Location, event: Added | Changed) -> Location:
    """The location after the event."""
    return Location(event.name, event.priority)


location: Decider[Add | Change, Location, Added | Changed] = Decider("location", Location(), decide, evolve)
