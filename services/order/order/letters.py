"""What an order said to its customer, said once more. Nobody keeps the messages: the events make them again."""

from collections.abc import Iterable

from chassis.decider import Send
from soko_contracts import notification

from order.domain import order
from order.events import Event


def letter(history: Iterable[Event], kind: str, cause: str) -> notification.Send | None:
    """The message of this kind and cause, word for word; None where the order never sent it."""
    state = order.initial
    for event in history:
        state = order.evolve(state, event)
        for effect in order.react(event, state):
            match effect:
                case Send(message=notification.Send() as told) if (told.kind, told.cause) == (kind, cause):
                    return told
    return None
