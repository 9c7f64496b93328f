"""Years of orders in minutes, with the rows that real ones leave in every service's tables.

One batch of orders is carried through by the services' own subscriptions, deciders and views, in memory: placed, stock
held, paid, confirmed, delivered, told to the customer. It is written by the chassis's own statement. Every further
batch is the same histories under other ids, SKUs, order numbers and days, written by the same statement: ids of a batch
begin with one millisecond, so a plain replacement in the statement's parameters makes them new. What personal data was
sealed in them has no key, like that of customers who were erased.
"""

import asyncio
import base64
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
from cart.domain import Add, Limits, Opening, cart, following
from cart.domain import Line as CartLine
from chassis import tables
from chassis.batch import Asking, Batch, Draft, Held, Sent, Unloaded
from chassis.codec import encode_opening
from chassis.context import Context
from chassis.decider import Refused
from chassis.jobs import KEPT_DONE
from chassis.numbering import LOCK
from chassis.outcome import Do, Outcome
from chassis.sealing import refuse_sealed
from chassis.service import Service
from chassis.subscriptions import Received
from chassis.world import World, uuid7
from chassis.writing import Statement, insert, statement
from inventory.domain.listing import ListSkus, listing
from inventory.domain.stock_commands import ListSku
from notification.calls import ended, notification_in
from notification.domain import Left
from notification.feed import NUMBER
from order.commands import Place, UpdateShipment
from order.domain import order
from order.shipments import ShipmentStatus
from order.totals import Line, quote
from order.values import Address, Chosen, Waits
from payment.domain.commands import Charge, Report
from payment.domain.rules import payment
from pydantic import SecretStr
from soko.services import load
from soko_contracts import Sealed

SERVICES = ("cart", "order", "payment", "inventory", "notification")
ORDERS = 500
"""Orders a batch; five a customer."""
CUSTOMERS, SKUS = 100, 20
NEWEST, DAYS, STRIDE = timedelta(days=2), 364, 89
"""The past is a year; however few batches there are, they are scattered over its days."""
PRICE, SHIPPING = 249_900, 25_000
PARCEL = (ShipmentStatus.IN_TRANSIT, ShipmentStatus.DELIVERED)
CONTACT = {"email": "past@soko.example", "phone": "+254700000001", "language": "en"}
SEAL_ROWS = 50_000

_KEPT = tuple(column.name for column in tables.published.columns if column.name != "id")
_DONE = tuple(column.name for column in tables.done.columns if column.name != "id")
PUBLISHED = f"""
insert into published (id, {", ".join(_KEPT)})
select nextval(pg_get_serial_sequence('outbox', 'id')), {", ".join(_KEPT)}
from json_populate_recordset(null::published, {{}}::json)
"""
DONE = f"""
insert into done (id, {", ".join(_DONE)})
select nextval(pg_get_serial_sequence('inbox', 'id')), {", ".join(_DONE)}
from json_populate_recordset(null::done, {{}}::json)
"""
SEEN = insert(tables.seen)


@dataclass
class Room:
    """One service: what all messages so far have led to, and which they were."""

    service: Service
    draft: Draft = field(default_factory=Draft)
    seen: list[dict[str, Any]] = field(default_factory=list)
    done: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Written:
    """A statement, and its parameters as the first batch had them. ``swept``: its rows go after thirty days."""

    sql: str
    values: Sequence[Any]
    swept: bool = False


class Batches:
    """Writes batch after batch to the databases at ``urls``, by service."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls, self._next, self._made = dict(urls), 0, dict[str, list[Written]]()
        self._start = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - NEWEST

    async def write(self, orders: int, progress: Callable[[int], None]) -> int:
        """At least so many orders more, in whole batches; how many it were. ``progress`` hears of each batch."""
        connections = {name: await asyncpg.connect(url) for name, url in self._urls.items()}
        try:
            if not self._made:
                made = Histories(self._start)
                made.make()
                self._made = {name: await made.statements(name, connections[name]) for name in SERVICES}
            batches = -(-orders // ORDERS)
            for number in range(batches):
                await asyncio.gather(*(self._write(connections[name], name) for name in SERVICES))
                self._next += 1
                progress((number + 1) * ORDERS)
            await _settle(connections)
        finally:
            for connection in connections.values():
                await connection.close()
        return batches * ORDERS

    async def _write(self, connection: "asyncpg.Connection[Any]", name: str) -> None:
        ago = timedelta(days=self._next * STRIDE % DAYS)
        renamed = self._renamed(self._next, self._start - ago)
        for written in self._made[name]:
            if not written.swept or NEWEST + ago < KEPT_DONE:
                await connection.execute(written.sql, *map(renamed, written.values))

    def _renamed(self, number: int, day: datetime) -> Callable[[Any], Any]:
        pairs = (
            (prefix(self._start, 0), prefix(self._start, number)),
            (numbers(0), numbers(number)),
            (f'"{self._start:%Y-%m-%d}T', f'"{day:%Y-%m-%d}T'),
        )

        def rename(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            for old, new in pairs:
                value = value.replace(old, new)
            return value

        return rename


async def _settle(connections: Mapping[str, "asyncpg.Connection[Any]"]) -> None:
    """What a shop does by itself in time: positions for the feed, and PostgreSQL's own housekeeping."""
    feed = connections["notification"]
    while True:
        async with feed.transaction():
            if not await feed.fetchval(LOCK, "feed"):
                await asyncio.sleep(0.05)
                continue
            if not await feed.fetchval(NUMBER, SEAL_ROWS):
                break
    for connection in connections.values():
        await connection.execute("vacuum (analyze)")
    await feed.execute("checkpoint")


def prefix(start: datetime, number: int) -> str:
    """What the ids of a batch begin with: a UUIDv7's millisecond and version."""
    return uuid7(int(start.timestamp() * 1000) + number * 1000, 0)[:15]


def numbers(batch: int) -> str:
    """What the order numbers of a batch begin with."""
    return f"SO-7{batch:06d}"


class Histories:
    """The first batch, made in memory."""

    def __init__(self, start: datetime) -> None:
        self._start, self._now = start, start
        self._rooms: dict[str, Room] = {}
        self._recorded: dict[tuple[str, int], datetime] = {}
        key = SecretStr("this key signs nothing: nobody is asked here")
        for name in SERVICES:
            kind = load(name)
            self._rooms[name] = Room(kind.build(kind.settings(soko_internal_key=key), World()))
        self._aggregates = {
            aggregate.decider.stream: name
            for name, room in self._rooms.items()
            for aggregate in room.service.aggregates
        }
        self._waiting = deque[tuple[str, Sent | Asking]]()

    def make(self) -> None:
        """Carry all orders of the batch through."""
        skus = [f"PAST-{self._id()}" for _ in range(SKUS)]
        listed = ListSkus(tuple(ListSku(sku, 5, 100_000) for sku in skus))
        self._do("inventory", [Do.many(listing, listed)], self._cause())
        customers = [self._id() for _ in range(CUSTOMERS)]
        carts = {customer: (following(customer), 1) for customer in customers}
        for number in range(ORDERS):
            self._now = self._start + number * timedelta(minutes=1)
            customer = customers[number % CUSTOMERS]
            cart_id, nth = carts[customer]
            carts[customer] = (following(cart_id), nth + 1)
            wanted = [skus[number % SKUS], skus[(number + 1 + number // SKUS) % SKUS]]
            self._order(customer, cart_id, nth, sorted(set(wanted)), f"{numbers(0)}{number:03d}")

    def _order(self, customer: str, cart_id: str, nth: int, skus: Sequence[str], number: str) -> None:
        order_id, owner, now, cause = self._id(), f"user:{customer}", self._now, self._cause()
        lines = [CartLine(self._id(), sku, self._id(), 1, PRICE, now) for sku in skus]
        for line in lines:
            opening = Opening(cart_id, order_id, owner, nth)
            self._do("cart", [Do(cart, cart_id, Add(opening, line, timedelta(days=1), Limits(100, 999)))], cause)
        priced = [
            Line(
                sku=line.sku,
                variant_id=line.variant_id,
                name="A thing that was sold long ago",
                quantity=1,
                unit_price=PRICE,
                priced_at=now,
            )
            for line in lines
        ]
        quoted, payment_id = quote(priced, SHIPPING, "KES"), self._id()
        place = Place(
            order_id=order_id,
            number=number,
            customer_id=customer,
            owner=owner,
            cart_id=cart_id,
            cart_version=len(lines),
            lines=quoted.lines,
            totals=quoted.totals,
            shipping_method="standard",
            address=Address(sealed=sealed(customer, "address"), country="KE", region=None, postal_code=None),
            contact=sealed(customer, "contact"),
            payment=Chosen(payment_id=payment_id, method="card", token=sealed(payment_id, "token")),
            waits=Waits(),
            now=now,
        )
        self._do("order", [Do(order, order_id, place)], cause)
        for status in PARCEL:
            for parcel in self._rooms["order"].draft.held[order.name(order_id)].state.shipments:
                moved = UpdateShipment(
                    shipment_id=parcel.shipment_id, status=status, carrier="G4S", tracking_number=number
                )
                self._do("order", [Do(order, order_id, moved)], cause)

    def _do(self, name: str, outcomes: Iterable[Outcome], cause: Context) -> None:
        """Carry this out, and everything that follows from it."""
        self._carry_out(name, list(outcomes), cause)
        while self._waiting:
            source, what = self._waiting.popleft()
            if isinstance(what, Sent):
                self._hand_over(source, what)
            else:
                self._carry_out(source, list(self._answered(what)), self._cause(what.cause))

    def _carry_out(self, name: str, outcomes: list[Outcome], cause: Context) -> None:
        room = self._rooms[name]
        aggregates = room.service.aggregates
        batch = Batch(aggregates, room.draft.held, self._now, self._id)
        while True:
            try:
                batch.carry_out(outcomes, cause)
                break
            except Unloaded as missing:
                batch.load({one: Held(0, aggregates.of(one).decider.initial) for one in missing.streams})
            except Refused:
                break
        self._waiting += [(name, sent) for sent in batch.draft.sent]
        self._waiting += [(name, asking) for asking in batch.draft.calls]
        batch.draft.calls, batch.draft.timers = [], {}
        self._recorded |= {(event.stream, event.version): self._now for event in batch.draft.events}
        room.draft.add(batch.draft)

    def _hand_over(self, source: str, sent: Sent) -> None:
        """To every subscriber, as the courier and the inbox would."""
        type_, now = sent.message.TYPE, self._now
        at = Received(sent.message_id, type_, sent.subject, sent.sequence, now, now, sent.cause.correlationid)
        for name, room in self._rooms.items():
            for subscription in room.service.subscriptions.of(type_):
                message = sent.message if subscription.seals else opened(sent.message)
                if subscription.raw:
                    message = encode_opening(message, refuse_sealed)
                else:
                    self._heard(room, subscription.name, subscription.key(message, at), at)
                cause = Context(at.id, at.correlationid, at.id)
                self._carry_out(name, list(subscription.translate(message, at)), cause)

    def _heard(self, room: Room, subscription: str, key: str, at: Received) -> None:
        known = {"message_id": at.id, "subscription": subscription}
        done = {
            "type": at.type,
            "key": key,
            "correlationid": at.correlationid,
            "tries": 0,
            "received_at": self._now,
            "finished_at": self._now,
            "note": None,
        }
        room.seen.append(known)
        room.done.append(known | done)

    def _answered(self, asking: Asking) -> Iterable[Outcome]:
        """What the world outside would have said: the card is good, the mail has left."""
        request, operation = asking.call.request, asking.call.name.partition(".")[2]
        if asking.call.name == "mail":
            notification = notification_in(orjson.loads(orjson.dumps(request)))
            return ended(notification.sent(self._now, Left(CONTACT["email"], "What became of your order")))
        id_ = request["payment_id"]
        charge = Charge("authorised", f"ch_{id_}", 1)
        if operation == "capture":
            charge = Charge("captured", f"ch_{id_}", 2, captured=request["take"])
        return [Do(payment, id_, Report(charge, self._now, 30, operation))]

    async def statements(self, name: str, connection: "asyncpg.Connection[Any]") -> list[Written]:
        """What writes the batch to one service's database."""
        room = self._rooms[name]
        sent, room.draft.sent = room.draft.sent, []
        made = await statement(connection, room.draft, name, self._start, None)
        if room.draft.events:  # its first part: each event at its own time, as the views have it
            events = orjson.loads(made.values[0])
            times = [{"recorded_at": self._recorded[event["stream"], event["version"]]} for event in events]
            made.values[0] = orjson.dumps([a | b for a, b in zip(events, times, strict=True)]).decode()
        made.add_rows(PUBLISHED, [self._published(one) for one in sent if one.message.KIND == "event"])
        heard = Statement()
        heard.add_rows(SEEN, room.seen)
        heard.add_rows(DONE, room.done)
        return [Written(made.text(), made.values), Written(heard.text(), heard.values, swept=True)]

    def _published(self, sent: Sent) -> dict[str, Any]:
        type_ = sent.message.TYPE
        return {
            "message_id": sent.message_id,
            "type": type_,
            "source": type_.partition(".")[0],
            "subject": sent.subject,
            "partitionkey": sent.subject,
            "sequence": sent.sequence,
            "time": self._start,
            "correlationid": sent.cause.correlationid,
            "causationid": sent.cause.causationid,
            "data": orjson.Fragment(encode_opening(sent.message, refuse_sealed)),
        }

    def _cause(self, story: Context | None = None) -> Context:
        id_ = self._id()
        return Context(id_, story.correlationid if story else id_, id_)

    def _id(self) -> str:
        milliseconds = int(self._start.timestamp() * 1000)
        return uuid7(milliseconds, int.from_bytes(os.urandom(10), "big") >> 6)


def sealed(subject: str, part: str) -> Sealed:
    """As long as a real one, and closed for good."""
    return Sealed(subject, base64.b64encode(bytes(180)).decode(), (part,))


def opened(message: Any) -> Any:
    """The message as it travels: with something readable in place of what was sealed."""
    there = {one.name: getattr(message, one.name) for one in fields(message)}
    return replace(message, **{name: dict(CONTACT) for name, value in there.items() if isinstance(value, Sealed)})
