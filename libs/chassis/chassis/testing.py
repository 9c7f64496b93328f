"""given/when/then for deciders: a domain test is a sentence."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from chassis.decider import Address, Decider, Effect, Many, Refused, Send

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


class Given(Generic[C, S, E]):
    """``Given(order, Placed(...)).when(Cancel(...)).then(Cancelled(...)).sends(ReleaseStock(...))``."""

    def __init__(self, decider: Decider[C, S, E], *events: E) -> None:
        self.decider = decider
        self.state = decider.fold(events)

    def when(self, command: C) -> "Then[C, S, E]":
        """Decide, evolve and react, as the unit would."""
        try:
            events = list(self.decider.decide(command, self.state))
        except Refused as refused:
            return Then(self.state, [], [], refused)
        state, effects = self.state, list[Effect]()
        for event in events:
            state = self.decider.evolve(state, event)
            effects += self.decider.react(event, state)
        return Then(state, events, effects, None)


class Then(Generic[C, S, E]):
    """What came of it; every method checks one part and returns itself."""

    def __init__(self, state: S, events: Sequence[E], effects: Sequence[Effect], refused: Refused | None) -> None:
        self.state, self.events, self.effects, self.refused = state, list(events), list(effects), refused

    def then(self, *events: E) -> "Then[C, S, E]":
        """Exactly these events happened."""
        assert self.refused is None, f"refused: {self.refused}"
        assert self.events == list(events)
        return self

    def sends(self, *effects: Any) -> "Then[C, S, E]":
        """Exactly these effects: a bare message stands for ``Send(message)``."""
        plain = [getattr(effect, "message", effect) for effect in self.effects]
        assert plain == [getattr(effect, "message", effect) for effect in effects]
        return self

    def refuses(self, slug: str) -> "Then[C, S, E]":
        """The rule ``slug`` said no, and nothing happened."""
        assert self.refused is not None, f"expected {slug}, but: {self.events}"
        assert self.refused.slug == slug
        return self


def given(decider: Decider[C, S, E], *events: E) -> Given[C, S, E]:
    """A stream with these events behind it."""
    return Given(decider, *events)


class Streams:
    """Many streams in memory, for commands over several of them: what the unit does, without a database."""

    def __init__(self) -> None:
        self.states: dict[str, Any] = {}
        self.events: list[tuple[str, Any]] = []
        self.effects: list[Effect] = []

    def state(self, decider: Decider[Any, S, Any], id_: str) -> S:
        """The stream's state now."""
        found: S = self.states.get(decider.name(id_), decider.initial)
        return found

    def execute(self, decider: Decider[Any, Any, Any], id_: str, command: Any) -> "Streams":
        """Give one stream a command. Only this command's effects are kept."""
        events = decider.decide(command, self.state(decider, id_))
        return self._record([((decider, id_), event) for event in events])

    def execute_many(self, many: Many[C], command: C) -> "Streams":
        """Give a command to all the streams it names. Only this command's effects are kept."""
        states = {decider.name(id_): self.state(decider, id_) for decider, id_ in many.streams(command)}
        for decider, id_ in many.more(command, states):
            states[decider.name(id_)] = self.state(decider, id_)
        return self._record(many.decide(command, states))

    @property
    def sent(self) -> list[Any]:
        """The messages of the last command."""
        return [effect.message for effect in self.effects if isinstance(effect, Send)]

    def _record(self, recorded: Sequence[tuple[Address, Any]]) -> "Streams":
        self.effects = []
        for (decider, id_), event in recorded:
            name = decider.name(id_)
            self.states[name] = decider.evolve(self.state(decider, id_), event)
            self.events.append((name, event))
            self.effects += decider.react(event, self.states[name])
        return self
