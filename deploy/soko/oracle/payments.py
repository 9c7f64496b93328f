"""2. Money: what payment's events say was moved, beside the provider's own ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from soko.oracle.breach import Report
from soko.oracle.reading import Databases, Event

Line = tuple[str, int, str | None]
"""Kind, amount and refund of something moved at the provider."""

CARD = "card"
THERE = "select id from unnest($1::text[]) id where exists (select from events where stream = $2 || id)"
CHARGES = "select id, reference, status from charges where reference = any($1::text[])"
LEDGER = """
select charge_id, kind, amount, refund_id from ledger
where charge_id = any($1::text[]) and kind in ('capture', 'refund', 'void') order by id
"""
STRAY = """
select ledger.id, ledger.charge_id, ledger.kind, ledger.amount from ledger
left join charges on charges.id = ledger.charge_id and charges.reference = ledger.reference where charges.id is null
"""
REFERENCES = "select id, reference from charges order by id"
WAITS = """
select stream from timers where stream = any($1::text[]) union select stream from calls where stream = any($1::text[])
union select key from inbox where key = any($1::text[])
"""


@dataclass(slots=True)
class Payment:
    """A payment as its events tell it. ``moved`` is what the provider's ledger has to say too."""

    id: str
    order_id: str | None = None
    customer_id: str | None = None
    method: str = ""
    amount: int = 0
    status: str = "new"
    captured: int = 0
    refunds: dict[str, tuple[int, str]] = field(default_factory=dict)
    moved: Counter[Line] = field(default_factory=Counter)

    @property
    def refunded(self) -> int:
        """What went back."""
        return sum(amount for amount, end in self.refunds.values() if end == "done")

    @property
    def rows(self) -> tuple[str, ...]:
        return (f"payment.events payment-{self.id}",)


def payments_in(streams: Mapping[str, Iterable[Event]]) -> dict[str, Payment]:
    """Fold them."""
    return {id_: payment_in(id_, events) for id_, events in streams.items()}


def payment_in(id_: str, events: Iterable[Event]) -> Payment:
    """Fold one."""
    payment = Payment(id_)
    for event in events:
        data = event.data
        match event.type:
            case "requested.v1" | "turned_away.v1":
                payment.order_id, payment.customer_id = data["order_id"], data["customer_id"]
                payment.method, payment.amount = data["method"], data["amount"]
                if event.type == "requested.v1":
                    payment.status = "processing"
                elif payment.status == "new":
                    payment.status = "failed"
            case "authorised.v1":
                payment.status = "authorised"
            case "action_required.v1":
                payment.status = "requires_action"
            case "captured.v1":
                payment.status = "captured"
                payment.captured += data["amount"]
                payment.moved["capture", data["amount"], None] += 1
            case "voided.v1":
                payment.status, payment.order_id = "voided", data["order_id"]
                if data["at_provider"]:
                    payment.moved["void", payment.amount, None] += 1
            case "failed.v1":
                payment.status, payment.order_id = "failed", data["order_id"]
                if data.get("at_provider_voided"):
                    payment.moved["void", payment.amount, None] += 1
            case "promise_gone.v1":
                if data["voided"]:
                    payment.moved["void", payment.amount, None] += 1
            case "refund_asked.v1":
                payment.refunds[data["refund_id"]] = (data["amount"], "asked")
            case "refunded.v1":
                payment.refunds[data["refund_id"]] = (data["amount"], "done")
                payment.moved["refund", data["amount"], data["refund_id"]] += 1
            case "refund_failed.v1":
                payment.refunds[data["refund_id"]] = (data["amount"], "failed")
    return payment


async def payments(databases: Databases, report: Report) -> None:
    """Each payment by itself: it never gives back more than it took, and nobody waits for ever."""
    async for streams in databases.streams("payment", "payment"):
        found = payments_in(streams)
        for payment in found.values():
            if not 0 <= payment.refunded <= payment.captured:
                said = f"it took {payment.captured} and gave back {payment.refunded}"
                report.add("0 <= refunded <= captured", f"payment {payment.id}", said, payment.rows)
        waiting = [f"payment-{each.id}" for each in found.values() if each.status == "processing"]
        waits = {row["stream"] for row in await databases.rows("payment", WAITS, waiting)}
        for name in waiting:
            if name not in waits:
                said = "the provider's answer is waited for, and no call, timer or message is there to bring it"
                report.add("who waits has a timer", name.replace("-", " ", 1), said, (f"payment.events {name}",))


async def payments_at_rest(databases: Databases, report: Report) -> None:
    """Each payment beside its order."""
    async for streams in databases.streams("payment", "payment"):
        found = payments_in(streams)
        wanted = list({each.order_id for each in found.values() if each.order_id})
        there = {row["id"] for row in await databases.rows("order", THERE, wanted, "order-")}
        for payment in found.values():
            if payment.order_id is not None and payment.order_id not in there and payment.method:
                said = f"there is no order {payment.order_id}"
                report.add("money belongs to an order", f"payment {payment.id}", said, payment.rows)


async def ledgers_at_rest(databases: Databases, report: Report) -> None:
    """Each card payment beside its charge at the simulated provider, both ways."""
    if "cardsim" not in databases:
        return
    async for streams in databases.streams("payment", "payment"):
        found = {id_: each for id_, each in payments_in(streams).items() if each.method in (CARD, "")}
        charges = {row["id"]: row for row in await databases.rows("cardsim", CHARGES, list(found))}
        theirs: dict[str, Counter[Line]] = {id_: Counter() for id_ in found}
        for row in await databases.rows("cardsim", LEDGER, list(charges)):
            theirs[charges[row["charge_id"]]["reference"]][row["kind"], row["amount"], row["refund_id"]] += 1
        for charge in charges.values():
            payment = found[charge["reference"]]
            if charge["status"] in ("authorised", "requires_action", "pending") and payment.status in (
                "failed",
                "voided",
            ):
                said = f"it is {payment.status}, and charge {charge['id']} is {charge['status']}"
                where = (*payment.rows, f"cardsim.charges {charge['id']}")
                report.add("no promise is left", f"payment {payment.id}", said, where)
        for id_, payment in found.items():
            _compare(payment, theirs[id_], report)
    await _strays(databases, report)


def _compare(payment: Payment, theirs: Counter[Line], report: Report) -> None:
    about = f"order {payment.order_id}, payment {payment.id}" if payment.order_id else f"payment {payment.id}"
    for lines, said in (
        (payment.moved - theirs, "payment says so, the provider's ledger does not"),
        (theirs - payment.moved, "the provider's ledger says so, payment does not"),
    ):
        for (kind, amount, refund_id), times in lines.items():
            what = (
                f"{kind} of {amount}" + (f" as {refund_id}" if refund_id else "") + (f", {times} times" * (times > 1))
            )
            where = (*payment.rows, f"cardsim.ledger reference {payment.id}")
            report.add("ledgers agree", about, f"{what}: {said}", where)


async def _strays(databases: Databases, report: Report) -> None:
    """What the provider knows and no payment does."""
    async for rows in databases.pages("cardsim", STRAY):
        for row in rows:
            said = f"{row['kind']} of {row['amount']}: of a charge that does not exist"
            report.add("ledgers agree", f"charge {row['charge_id']}", said, (f"cardsim.ledger {row['id']}",))
    async for rows in databases.pages("cardsim", REFERENCES):
        there = await databases.rows("payment", THERE, [row["reference"] for row in rows], "payment-")
        known = {row["id"] for row in there}
        for row in rows:
            if row["reference"] not in known:
                said = f"no payment {row['reference']} asked for it"
                report.add("ledgers agree", f"charge {row['id']}", said, (f"cardsim.charges {row['id']}",))
