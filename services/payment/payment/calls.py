"""Asking providers: each operation of each method is a call of its own, and comes back as one of three commands.

What the provider says is a ``Report``, its no a ``Deny``. When no try got an answer it is a ``GiveUp``: nothing is
concluded from that.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from chassis.calls import Asked, Calls
from chassis.outcome import Do
from chassis.service import Service

from payment.domain.commands import Charge, Deny, GiveUp, Report
from payment.domain.rules import payment
from payment.providers.port import Attempt, Denied, Heard, Provider

LEASE = timedelta(seconds=15)
"""A provider's ten seconds, and five for our own database. A call that died with its process is made again after it."""

TRIES = 8

Operation = Callable[[Provider, Asked], Awaitable[Heard]]


async def _authorise(provider: Provider, asked: Asked) -> Heard:
    return await provider.authorise(_attempt(asked), asked.key)


async def _capture(provider: Provider, asked: Asked) -> Heard:
    return await provider.capture(_attempt(asked), asked.request["take"], asked.request["receipt"], asked.key)


async def _void(provider: Provider, asked: Asked) -> Heard:
    return await provider.void(_attempt(asked), asked.key)


async def _refund(provider: Provider, asked: Asked) -> Heard:
    """A try after the first is made only where no earlier one has gone through after all, or may yet."""
    attempt, refund_id = _attempt(asked), asked.request["refund_id"]
    if asked.request.get("tries", 1) > 1:
        heard = await provider.ask(attempt)
        if any(each.refund_id == refund_id and each.status != "failed" for each in heard.charge.refunds):
            return heard
    return await provider.refund(attempt, refund_id, asked.request["give"], asked.key)


async def _ask(provider: Provider, asked: Asked) -> Heard:
    return await provider.ask(_attempt(asked))


OPERATIONS: Mapping[str, Operation] = {
    "authorise": _authorise,
    "capture": _capture,
    "void": _void,
    "refund": _refund,
}


def calls_to(providers: Mapping[str, Provider], ask_after: int) -> Calls:
    """The calls of every method, answered by its provider."""
    calls = Calls()
    for method, provider in providers.items():
        for name, operation in OPERATIONS.items():
            _register(calls, f"{method}.{name}", provider, operation, ask_after)

        # A question that gets no answer is asked again by its own timer.
        @calls.to(f"{method}.ask", lease=LEASE, tries=1, gave_up=lambda asked: ())
        async def ask(asked: Asked, service: Service, provider: Provider = provider) -> Iterable[Do]:
            heard = await _ask(provider, asked)
            charge = await sealed(service, asked.stream_id, heard)
            return [Do(payment, asked.stream_id, Report(charge, service.world.clock(), ask_after))]

    return calls


def _register(calls: Calls, name: str, provider: Provider, operation: Operation, ask_after: int) -> None:
    def given_up(asked: Asked) -> Iterable[Do]:
        return [Do(payment, asked.stream_id, GiveUp(_operation(asked), asked.now, ask_after))]

    @calls.to(name, lease=LEASE, tries=TRIES, idempotent=provider.keyed, gave_up=given_up)
    async def call(asked: Asked, service: Service) -> Iterable[Do]:
        if asked.tries > 1 and await _pointless(asked, service):
            return given_up(asked)
        try:
            heard = await operation(provider, asked)
        except Denied as no:
            denied = Deny(_operation(asked), no.reason, service.world.clock(), ask_after, no.charge)
            return [Do(payment, asked.stream_id, denied)]
        charge = await sealed(service, asked.stream_id, heard)
        return [Do(payment, asked.stream_id, Report(charge, service.world.clock(), ask_after, _operation(asked)))]


async def _pointless(asked: Asked, service: Service) -> bool:
    """Whether an authorise that got no answer yet is not wanted any more."""
    if _operation(asked) != "authorise":
        return False
    held = await service.load(payment, asked.stream_id)
    return bool(held.state.ending)


async def sealed(service: Service, payment_id: str, heard: Heard) -> Charge:
    """What was heard, with what is for the payer's eyes only sealed under the attempt's key."""
    if heard.next_action is None:
        return heard.charge
    return replace(heard.charge, next_action=await service.seal(payment_id, dict(heard.next_action)))


def _operation(asked: Asked) -> str:
    """The key is ``<payment_id>:<operation>``."""
    return asked.key.partition(":")[2]


def _attempt(asked: Asked) -> Attempt:
    request = asked.request
    return Attempt(
        payment_id=request["payment_id"],
        order_id=request["order_id"],
        charge_id=request["charge_id"],
        amount=request["amount"],
        currency=request["currency"],
        number=request.get("number"),
        token=request.get("token"),
        phone=request.get("phone"),
    )
