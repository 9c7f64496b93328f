"""Whether what always holds does hold, read from the databases alone.

It asks no service: rows of ``events``, of the read tables, of the queues, and of the simulated provider's own ledger
are compared with each other, by folds of its own. Only where replay itself is asked about does it run their code. It
reads a page at a time and changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from soko.oracle import coupons, messages, once, orders, payments, replay, secrets, units
from soko.oracle.breach import RULES, Breach, Report
from soko.oracle.reading import Databases, opened
from soko.oracle.rest import rest, unrest

__all__ = ["RULES", "Breach", "Report", "breaches", "rest", "unrest", "verify"]

Tell = Callable[[int, int], None]
Watch = Callable[[str], AbstractContextManager[Tell]]
"""Told of each step; what it yields hears how far that is."""


@dataclass(frozen=True, slots=True)
class Check:
    """One pass over the data, and the rules it settles. ``at_rest``: they hold only where nothing is on its way."""

    what: str
    run: Callable[[Databases, Report, Tell], Awaitable[None]]
    rules: tuple[str, ...]
    at_rest: bool = False


def _quiet(run: Callable[[Databases, Report], Awaitable[None]]) -> Callable[[Databases, Report, Tell], Awaitable[None]]:
    return lambda databases, report, tell: run(databases, report)


CHECKS = (
    Check(
        "Units",
        _quiet(units.units),
        (
            *("movements = on hand", "reserved is there", "reserved = reservations"),
            *("transfers sum to nothing", "value = costs"),
        ),
    ),
    Check("Locations", _quiet(units.places), ("locations add up",)),
    Check("Moves of units", _quiet(units.moves), ("a unit moves once",)),
    Check("Orders", _quiet(orders.orders), ("who waits has a timer", "discount = shares")),
    Check("Coupons", _quiet(coupons.uses), ("uses = redemptions", "no use too many")),
    Check("Payments", _quiet(payments.payments), ("0 <= refunded <= captured", "who waits has a timer")),
    Check("Steps", _quiet(once.steps), ("a step is taken once", "streams have no gaps")),
    Check("Carts", _quiet(once.carts), ("one cart, one order",)),
    Check("Idempotency keys", _quiet(once.keys), ("one key, one effect",)),
    Check("What was told", _quiet(messages.told), ("facts are told", "facts are told once")),
    Check("What was done", _quiet(messages.done), ("what was received is done", "messages are done once")),
    Check("What is parked", _quiet(messages.parked), ("nothing is parked",)),
    Check("Secrets", _quiet(secrets.secrets), ("no secrets",)),
    Check("Personal data", _quiet(secrets.personal), ("no personal data",)),
    Check("Replay", replay.replay, ("replay equals live", "snapshots equal the whole")),
    Check("What was received", _quiet(messages.received), ("messages arrive",), at_rest=True),
    Check("The feed", _quiet(messages.feed_at_rest), ("the feed is whole",), at_rest=True),
    Check(
        "Orders, beside what others know of them",
        _quiet(orders.orders_at_rest),
        (
            *("every order settles", "an order holds its units", "a cart becomes its order", "what is one's own"),
            *("commands arrive", "money kept", "a confirmed order is paid", "refunds agree"),
            "money belongs to an order",
        ),
        at_rest=True,
    ),
    Check("SKUs, as others know them", _quiet(units.copies_at_rest), ("copies of stock agree",), at_rest=True),
    Check("Coupons, beside their orders", _quiet(coupons.holders_at_rest), ("a use is an order's",), at_rest=True),
    Check(
        "Reservations, beside their orders", _quiet(units.strays_at_rest), ("units belong to an order",), at_rest=True
    ),
    Check(
        "Payments, beside their orders", _quiet(payments.payments_at_rest), ("money belongs to an order",), at_rest=True
    ),
    Check(
        "Payments, beside the provider's ledger",
        _quiet(payments.ledgers_at_rest),
        ("ledgers agree", "no promise is left"),
        at_rest=True,
    ),
)


async def verify(
    urls: Mapping[str, str], *, at_rest: bool = True, watch: Watch = lambda what: nullcontext(lambda done, of: None)
) -> Report:
    """Look at everything in the databases at ``urls``, by service name; ``cardsim`` where there is one.

    Without ``at_rest`` only at what holds at any time.
    """
    report = Report()
    async with opened(urls) as databases:
        for check in CHECKS:
            if check.at_rest <= at_rest:
                with watch(check.what) as tell:
                    await check.run(databases, report, tell)
                report.checked += [rule for rule in check.rules if rule not in report.checked]
    return report


async def breaches(urls: Mapping[str, str], *, at_rest: bool = True) -> list[Breach]:
    """Every breach found in these databases; of each rule the first hundred."""
    return (await verify(urls, at_rest=at_rest)).breaches
