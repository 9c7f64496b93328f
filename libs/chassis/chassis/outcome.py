"""What a message, or the answer of a call outside, leads to: data that the worker carries out in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.decider import Address, Call, Decider, Forget, Many, Send
from chassis.rows import Keep, Put, Remove


@dataclass(frozen=True, slots=True)
class Do:
    """Give ``command`` to one stream, or to several at once."""

    decider: Decider[Any, Any, Any] | Many[Any]
    id: str
    command: Any

    @classmethod
    def many(cls, many: Many[Any], command: Any) -> "Do":
        """A command over several streams: they are named by the command itself."""
        return cls(many, "", command)

    def addresses(self) -> Sequence[Address]:
        """The streams this command needs to see."""
        if isinstance(self.decider, Many):
            return self.decider.streams(self.command)
        return ((self.decider, self.id),)


Outcome = Do | Put | Remove | Keep | Send | Call | Forget
