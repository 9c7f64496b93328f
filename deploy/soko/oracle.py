"""Whether what always holds does hold, read from the databases alone.

It asks no service and imports none of their code: rows of ``events``, of the read tables, of the queues, and of the
simulated provider's own ledger are compared with each other. A shop at rest has no breach.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

ENDED_WITHOUT_SALE = {"pending", "awaiting_payment", "cancelling", "cancelled"}
PROMISED = "cash_on_delivery"


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that should never be: the rule, what it is about, and what was found."""

    rule: str
    about: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.found}"


@dataclass(slots=True)
class OrderFacts:
    """An order as its events tell it."""

    cart_id: str = ""
    status: str = "pending"
    total: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    refunds: dict[str, int] = field(default_factory=dict)
    failed_refunds: set[str] = field(default_factory=set)
    open_attempts: set[str] = field(default_factory=set)
    promised: bool = False
    collected: bool = False


@dataclass(slots=True)
class Money:
    """What payment moved for one order or payment."""

    captured: int = 0
    refunded: int = 0


Events = list[tuple[str, str, dict[str, Any]]]


async def _events(url: str, kind: str) -> Events:
    """(id, type, data) of every event of one kind of stream, in order."""
    rows = await _rows(url, "select stream, type, data from events where stream like $1 order by position", f"{kind}-%")
    return [(row["stream"].partition("-")[2], row["type"], orjson.loads(row["data"])) for row in rows]


async def _rows(url: str, sql: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()


async def breaches(urls: Mapping[str, str], *, at_rest: bool = True) -> list[Breach]:
    """Every breach found in the databases at ``urls``, by service name; ``cardsim`` where there is one."""
    orders = _orders(await _events(urls["order"], "order"))
    found = [
        *await _queues(urls),
        *_carts(orders),
        *await _units(urls["inventory"], orders, at_rest=at_rest),
        *await _money(urls["payment"], orders, at_rest=at_rest),
        *(await _ledger(urls["payment"], urls["cardsim"]) if "cardsim" in urls and at_rest else []),
        *(_settled(orders) if at_rest else []),
    ]
    for service in ("order", "payment", "inventory", "cart"):
        found += await _versions(service, urls[service])
    return found


def _orders(events: Events) -> dict[str, OrderFacts]:
    orders: dict[str, OrderFacts] = defaultdict(OrderFacts)
    for id_, type_, data in events:
        order = orders[id_]
        match type_:
            case "placed.v1":
                order.cart_id, order.total = data["cart_id"], data["totals"]["total"]
                for line in data["lines"]:
                    order.lines[line["sku"]] += line["quantity"]
            case "awaiting_payment.v1":
                order.status = "awaiting_payment"
            case "payment_started.v1":
                order.open_attempts.add(data["payment"]["payment_id"])
            case "payment_captured.v1":
                order.collected = True
                order.open_attempts.discard(data["payment_id"])
            case "payment_failed.v1" | "payment_action_required.v1":
                order.open_attempts.discard(data["payment_id"])
            case "confirmed.v1":
                order.status, order.promised = "confirmed", data["method"] == PROMISED
                order.open_attempts.discard(data["payment_id"])
            case "cancelling.v1":
                order.status = "cancelling"
            case "cancelled.v1":
                order.status = "cancelled"
                order.open_attempts.clear()
            case "refund_started.v1":
                order.refunds[data["refund_id"]] = data["amount"]
            case "refund_failed.v1":
                order.failed_refunds.add(data["refund_id"])
    return orders


def _settled(orders: Mapping[str, OrderFacts]) -> Iterable[Breach]:
    """3. Every placed order reaches a settled state."""
    for id_, order in orders.items():
        if order.status in ("pending", "cancelling") or (order.status == "awaiting_payment" and order.open_attempts):
            yield Breach("every order settles", f"order {id_}", f"{order.status}, attempts {order.open_attempts}")


def _carts(orders: Mapping[str, OrderFacts]) -> Iterable[Breach]:
    """4. One cart, one order."""
    for cart_id, count in Counter(order.cart_id for order in orders.values()).items():
        if count > 1:
            yield Breach("one cart, one order", f"cart {cart_id}", f"{count} orders")


async def _queues(urls: Mapping[str, str]) -> list[Breach]:
    """3. Parked messages are visible; at rest nothing else waits (a caller decides when that is)."""
    found = []
    parked = """
        select 'message ' || message_id as what, type, error from inbox where parked_at is not null
        union all select 'call ' || id, name, error from calls where parked_at is not null
    """
    for service, url in urls.items():
        if service != "cardsim":
            rows = await _rows(url, parked)
            found += [
                Breach("nothing is parked", f"{service} {row['what']}", f"{row['type']}: {row['error']}")
                for row in rows
            ]
    return found


async def _versions(service: str, url: str) -> list[Breach]:
    """5. A stream's versions are 1, 2, 3 …, without a gap."""
    sql = "select stream, count(*), max(version) as last from events group by stream having count(*) <> max(version)"
    return [
        Breach("streams have no gaps", f"{service} {row['stream']}", f"{row['count']} events, last is {row['last']}")
        for row in await _rows(url, sql)
    ]


async def _units(url: str, orders: Mapping[str, OrderFacts], *, at_rest: bool) -> list[Breach]:
    """1. Units: the movements are what is on hand; what is reserved is there; each order holds what it should."""
    found = []
    rows = await _rows(
        url,
        """
        select stock.*, coalesce(moved.delta, 0)::bigint as moved
        from stock left join (select sku, sum(delta) as delta from movements group by sku) moved using (sku)
        """,
    )
    for row in rows:
        if row["on_hand"] < 0 or row["moved"] != row["on_hand"]:
            found.append(Breach("movements = on hand", row["sku"], f"{row['moved']} moved, {row['on_hand']} on hand"))
        if row["reserved"] - row["on_hand"] > row["shortage"] or row["reserved"] < 0:
            found.append(Breach("reserved is there", row["sku"], f"{row['reserved']} of {row['on_hand']}"))
    held: dict[str, Counter[str]] = {}
    sold: dict[str, Counter[str]] = {}
    for id_, type_, data in await _events(url, "reservation"):
        match type_:
            case "held.v1":
                held[id_] = Counter({line["sku"]: line["quantity"] for line in data["lines"]})
            case "released.v1":
                held.pop(id_, None)
                sold.pop(id_, None)
            case "committed.v1":
                sold[id_] = held.pop(id_, Counter())
    reserved: Counter[str] = sum(held.values(), Counter())
    for row in rows:
        if reserved[row["sku"]] != row["reserved"]:
            found.append(
                Breach("reserved = reservations", row["sku"], f"{row['reserved']}, held {reserved[row['sku']]}")
            )
    if at_rest:
        for id_, order in orders.items():
            holds, has = held.get(id_, Counter()), sold.get(id_, Counter())
            wanted = {"awaiting_payment": (order.lines, Counter()), "confirmed": (Counter(), order.lines)}
            if (holds, has) != wanted.get(order.status, (Counter(), Counter())):
                found.append(
                    Breach("an order holds its units", f"order {id_} ({order.status})", f"holds {holds}, sold {has}")
                )
        for id_ in (held.keys() | sold.keys()) - orders.keys():
            found.append(Breach("units belong to an order", f"reservation {id_}", "there is no such order"))
    return found


async def _money(url: str, orders: Mapping[str, OrderFacts], *, at_rest: bool) -> list[Breach]:
    """2. Money: what came in and went back, for each order and each payment."""
    found = []
    moved: dict[str, Money] = defaultdict(Money)
    sql = "select payments.order_id, m.* from movements m join payments on payments.id = m.payment_id"
    of_payment: dict[str, Money] = defaultdict(Money)
    for row in await _rows(url, sql):
        for money in (moved[row["order_id"] or ""], of_payment[row["payment_id"]]):
            if row["kind"] == "capture":
                money.captured += row["amount"]
            elif row["kind"] == "refund":
                money.refunded += row["amount"]
    for id_, money in of_payment.items():
        if not 0 <= money.refunded <= money.captured:
            found.append(Breach("0 <= refunded <= captured", f"payment {id_}", str(money)))
    if not at_rest:
        return found
    for id_, order in orders.items():
        money = moved.get(id_, Money())
        kept = money.captured - money.refunded
        owed = sum(order.refunds[refund] for refund in order.failed_refunds)
        decided = sum(order.refunds.values())
        if order.status in ENDED_WITHOUT_SALE:
            wanted = owed
        elif order.promised and not order.collected:
            wanted = 0
        else:
            # Money of another attempt that came besides is taken in and given back: both sides count it.
            wanted = money.captured - decided + owed
            if money.captured < order.total:
                found.append(Breach("a confirmed order is paid", f"order {id_}", f"{money} of {order.total}"))
        if kept != wanted:
            found.append(Breach("money kept", f"order {id_} ({order.status})", f"{kept} kept, {wanted} due"))
    return found


async def _ledger(payment: str, cardsim: str) -> list[Breach]:
    """2. Each capture, refund and void that payment knows equals a row of the provider's own ledger, and back."""
    ours = await _rows(
        payment,
        "select p.charge_id, m.kind, m.amount, m.refund_id from movements m join payments p on p.id = m.payment_id "
        "where m.method = 'card'",
    )
    theirs = await _rows(
        cardsim, "select charge_id, kind, amount, refund_id from ledger where kind in ('capture', 'refund', 'void')"
    )
    known = Counter((row["charge_id"], row["kind"], row["amount"], row["refund_id"]) for row in ours)
    moved = Counter((row["charge_id"], row["kind"], row["amount"], row["refund_id"]) for row in theirs)
    found = [Breach("ledgers agree", str(row), "payment has it, the provider has not") for row in (known - moved)]
    return found + [
        Breach("ledgers agree", str(row), "the provider has it, payment has not") for row in (moved - known)
    ]
