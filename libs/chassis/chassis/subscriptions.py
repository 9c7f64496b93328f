"""From messages to what they lead to: pure functions, registered by the message they take."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from soko_contracts import Envelope, parse

from chassis.decider import Decider, Many
from chassis.outcome import Do, Outcome
from chassis.rows import Keep

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Received:
    """How a message came: ``now`` is the receiver's clock, ``time`` the sender's."""

    id: str
    type: str
    subject: str
    sequence: int
    time: datetime
    now: datetime
    correlationid: str


Translate = Callable[[Any, Received], Iterable[Outcome]]
Key = Callable[[Any, Received], str]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One message type to one translation.

    ``key`` says what has to stay in order. ``seals`` names the subject under whose key the message's personal fields
    are sealed before anything is stored. ``raw``: the message is not read, the translation takes it as JSON; the row it
    makes has the message's own id, which is note enough of its having come. ``new``: the streams it goes to, and the
    subject it is sealed for, most likely do not exist yet, so they are looked for only if that turns out wrong.
    """

    name: str
    message: type
    translate: Translate
    key: Key
    seals: Callable[[Any], str] | None = None
    raw: bool = False
    new: bool = False

    def read(self, envelope: Envelope) -> Any:
        """What the translation takes. Raises ValueError or KeyError."""
        return envelope.data if self.raw else parse(envelope.type, envelope.data)


class Subscriptions:
    """What a service listens to and obeys."""

    def __init__(self) -> None:
        self._by_type: dict[str, list[Subscription]] = {}
        self._by_name: dict[str, Subscription] = {}

    @property
    def types(self) -> frozenset[str]:
        """Every message type with a subscription."""
        return frozenset(self._by_type)

    def of(self, type_: str) -> list[Subscription]:
        """The subscriptions to one message type."""
        return self._by_type.get(type_, [])

    def named(self, name: str) -> Subscription:
        """The subscription called ``name``. Raises KeyError."""
        return self._by_name[name]

    def on(
        self,
        message: type[Any],
        decider: Decider[Any, Any, Any] | Many[Any],
        *,
        key: Callable[[Any], str] | None = None,
        seals: Callable[[Any], str] | None = None,
        new: bool = False,
    ) -> Callable[[F], F]:
        """Decorate ``(message, received) -> (id, command)``, or for a Many ``-> command``; None: nothing to do.

        Order is kept by the target stream, or by ``key``, which a Many must have. ``seals``, ``new``: see Subscription.
        """
        if isinstance(decider, Many) and key is None:
            raise ValueError(f"{message.__name__}: a command over several streams needs a key")

        def register(function: F) -> F:
            def translate(body: Any, at: Received) -> Iterable[Outcome]:
                found = function(body, at)
                if found is None:
                    return ()
                if isinstance(decider, Many):
                    return (Do.many(decider, found),)
                return (Do(decider, *found),)

            def keyed(body: Any, at: Received) -> str:
                if key is not None:
                    return key(body)
                assert isinstance(decider, Decider)
                found = function(body, at)
                return decider.name(found[0]) if found is not None else at.subject

            self._add(Subscription(function.__name__, message, translate, keyed, seals, new=new))
            return function

        return register

    def keep(self, message: type[Any], *, raw: bool = False) -> Callable[[F], F]:
        """Decorate ``(message, received) -> Iterable[Keep]``: a copy of another service's data; order by subject.

        ``raw``: the copy is of the message itself, which comes as JSON, and is kept under the message's id: where that
        is known, nothing is written. So no other note is made of messages that only such copies are made of.
        """

        def register(function: F) -> F:
            def translate(body: Any, at: Received) -> Iterable[Keep]:
                return function(body, at)  # type: ignore[no-any-return]

            self._add(Subscription(function.__name__, message, translate, lambda _, at: at.subject, raw=raw))
            return function

        return register

    def handle(
        self,
        message: type[Any],
        *,
        key: Callable[[Any], str] | None = None,
        seals: Callable[[Any], str] | None = None,
    ) -> Callable[[F], F]:
        """Decorate ``(message, received) -> Iterable[Outcome]``; order by ``key``, else by subject."""

        def register(function: F) -> F:
            def keyed(body: Any, at: Received) -> str:
                return key(body) if key is not None else at.subject

            self._add(Subscription(function.__name__, message, function, keyed, seals))
            return function

        return register

    def _add(self, subscription: Subscription) -> None:
        type_: str = subscription.message.TYPE  # type: ignore[attr-defined]
        name = subscription.name
        if name in self._by_name:
            subscription = replace(subscription, name=f"{name}.{type_}")
        self._by_type.setdefault(type_, []).append(subscription)
        self._by_name[subscription.name] = subscription


def received(envelope: Envelope, now: datetime) -> Received:
    """What a subscription is told besides the message itself."""
    return Received(
        envelope.id,
        envelope.type,
        envelope.subject,
        envelope.sequence,
        envelope.time,
        now,
        envelope.correlationid,
    )
