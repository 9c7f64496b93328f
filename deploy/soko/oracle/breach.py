"""What the oracle says: the rules it knows, and where one of them does not hold."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

RULES = {
    # 1. Units
    "movements = on hand": "A SKU's movements add up to what is on hand, which is never below zero.",
    "reserved is there": "No more is reserved than is on hand, but for what a count found missing and backorders "
    "wait for.",
    "reserved = reservations": "What a SKU has reserved is what the orders hold of it.",
    "a unit moves once": "What reservations say was held, sold or given back is what the SKUs say, once each.",
    "locations add up": "What a location has of a SKU, on hand and reserved, is what its movements and orders come to.",
    "transfers sum to nothing": "What left one location has arrived at another, or is in transit.",
    "value = costs": "The costs of a SKU's movements add up to what its units cost.",
    "an order holds its units": "An order that awaits payment holds its units, a confirmed one was sold them, "
    "any other has none.",
    "units belong to an order": "Nothing is held for, or sold to, an order that does not exist.",
    "copies of stock agree": "What the catalog and carts show as there, to come or sold out is so at the inventory.",
    # 2. Money
    "0 <= refunded <= captured": "No payment gave back more than it took.",
    "money kept": "An order keeps its total less the refunds decided; one without a sale keeps nothing; "
    "what a failed refund owes is listed as owed.",
    "a confirmed order is paid": "A confirmed order was paid in full, or cash on delivery is still to come.",
    "refunds agree": "Every refund an order decided is one that payment knows, with the same amount and end.",
    "ledgers agree": "Every capture, refund and void of payment stands in the provider's ledger, and the other way.",
    "no promise is left": "Of a payment that is over, the provider holds no promise of the payer any more.",
    "money belongs to an order": "A payment for an order is one that this order began or was told of.",
    "discount = shares": "An order's discount is the sum of its lines' shares, and its total is what these come to.",
    "uses = redemptions": "A coupon's uses, in all and by customer, are as many as the orders that have it.",
    "no use too many": "No coupon is used more often than it may be, in all or by one customer.",
    "a use is an order's": "Whoever has a coupon's use is an order that stands and was placed with it: "
    "a cancelled one has none.",
    # 3. Nothing is lost, nothing happens twice
    "every order settles": "Every placed order is confirmed, cancelled, or waits for its customer.",
    "who waits has a timer": "What has not settled has a timer, a call or a message that will move it on.",
    "facts are told": "Every event that the world is to be told of has its message.",
    "messages arrive": "Every message that was published reached every subscriber.",
    "commands arrive": "What an order asked of others is known there.",
    "what was received is done": "Every message that was received was worked off, or waits to be.",
    "messages are done once": "No message was worked off twice.",
    "facts are told once": "No event has two messages.",
    "the feed is whole": "The public feed holds every published event, with positions that have no gap.",
    "a step is taken once": "What can happen to a thing only once did not happen to it twice.",
    "nothing is parked": "No message and no call was given up.",
    # 4. One cart, one order; one key, one effect
    "one cart, one order": "No two orders were made of one cart.",
    "a cart becomes its order": "An order's cart is closed, as that order's.",
    "one key, one effect": "An idempotency key stands for one thing, and that thing exists.",
    # 5. Replay equals live
    "streams have no gaps": "A stream's versions are 1, 2, 3 and so on.",
    "replay equals live": "Views made anew from the events are the same rows.",
    "snapshots equal the whole": "A snapshot is what its stream's events come to at its version.",
    # 6. What is another's, and what is secret
    "what is one's own": "An order and its payments belong to the owner of its cart.",
    "no secrets": "No password, token, code or card number can be read in an event, a message, an error, "
    "or a parked row as it is shown.",
    "no personal data": "No mail address or phone number can be read in a public event.",
}
"""Every rule and what it says. ``architecture.md`` numbers them 1 to 6."""

SHOWN = 100
"""Breaches of one rule that are named; beyond that they are counted."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that should never be: the rule, what it is about, what was found, and the rows that say so."""

    rule: str
    about: str
    found: str
    rows: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.found}"


@dataclass(slots=True)
class Report:
    """What was found. ``checked`` are the rules that were looked at; ``counts`` has breaches that are not named too."""

    checked: list[str] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    orders: int = 0

    def add(self, rule: str, about: str, found: str, rows: Iterable[str] = ()) -> None:
        """One more breach; of each rule the first ``SHOWN`` are kept."""
        assert rule in RULES, rule
        self.counts[rule] += 1
        if self.counts[rule] <= SHOWN:
            self.breaches.append(Breach(rule, about, found, tuple(rows)))
