"""3. Messages: told once, received by all, worked off once."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import cache

import asyncpg
from chassis.jobs import KEPT_DONE, SWEEP
from chassis.world import World, uuid7

from soko.oracle.breach import Report
from soko.oracle.reading import Databases
from soko.services import SERVICES, load

TELLS: Mapping[str, Mapping[str, str]] = {
    "order": {
        "order placed.v1": "order.placed.v1",
        "order awaiting_payment.v1": "order.awaiting_payment.v1",
        "order confirmed.v1": "order.confirmed.v1",
        "order cancelled.v1": "order.cancelled.v1",
        "order refund_succeeded.v1": "order.refunded.v1",
    },
    "payment": {
        "payment requested.v1": "payment.started.v1",
        "payment captured.v1": "payment.captured.v1",
        "payment voided.v1": "payment.voided.v1",
        "payment failed.v1": "payment.failed.v1",
        "payment refunded.v1": "payment.refunded.v1",
        "payment refund_failed.v1": "payment.refund_failed.v1",
    },
    "inventory": {
        "reservation held.v1": "inventory.stock_reserved.v1",
        "reservation rejected.v1": "inventory.stock_rejected.v1",
        "reservation released.v1": "inventory.stock_released.v1",
        "reservation committed.v1": "inventory.stock_committed.v1",
        "stock level_crossed.v1": "inventory.stock_level.v1",
        "stock fell_low.v1": "inventory.stock_low.v1",
        "stock filled.v1": "inventory.backorder_filled.v1",
    },
    "cart": {
        "cart opened.v1": "cart.opened.v1",
        "cart abandoned.v1": "cart.abandoned.v1",
        "redemption redeemed.v1": "cart.coupon_redeemed.v1",
        "redemption rejected.v1": "cart.coupon_rejected.v1",
    },
}
"""Events that the world is told of, with the message that tells it: about the same id, numbered by the version."""

UNTOLD = """
select events.stream, events.version, telling.message
from events
join unnest($1::text[], $2::text[], $3::text[]) telling (kind, type, message)
  on events.type = telling.type and split_part(events.stream, '-', 1) = telling.kind
where not exists (select from published where published.type = telling.message
                  and published.subject = substr(events.stream, length(telling.kind) + 2)
                  and published.sequence = events.version)
  and not exists (select from outbox where outbox.type = telling.message
                  and outbox.subject = substr(events.stream, length(telling.kind) + 2)
                  and outbox.sequence = events.version)
"""
TWICE = """
select type, subject, sequence, array_agg(message_id order by message_id) as ids from published
group by type, subject, sequence having count(*) > 1
"""
PUBLISHED = "select message_id, type, subject from published order by id"
NEWEST = """
select message_id, type, subject from (select * from published order by id desc limit 5000) newest where message_id > $1
"""
UNSEEN = """
select message_id, subscription from unnest($1::text[], $2::text[]) wanted (message_id, subscription)
where not exists (select from seen where seen.message_id = wanted.message_id
                  and seen.subscription = wanted.subscription)
"""
NOT_IN_FEED = "select id from unnest($1::text[]) id where not exists (select from feed where message_id = id)"
FEED = """
select message_id, position from (
    select message_id, position, row_number() over (order by position) as should from feed) numbered
where position is distinct from should
"""
UNDONE = """
select message_id, subscription from seen
where message_id > $1
  and not exists (select from done where done.message_id = seen.message_id and done.subscription = seen.subscription)
  and not exists (select from inbox where inbox.message_id = seen.message_id
                  and inbox.subscription = seen.subscription)
"""
DONE_TWICE = """
select message_id, subscription, count(*) as times from done group by message_id, subscription having count(*) > 1
"""
PARKED = """
select 'inbox ' || id as row, 'message ' || message_id as what, type as name, error, key
from inbox where parked_at is not null
union all
select 'calls ' || id, 'call ' || id, name, error, stream from calls where parked_at is not null
"""
SWEPT = "select last_finished_at from jobs where name = $1"
FEED_OF = "notification"


@cache
def subscriptions() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Who notes what it heard: (service, subscription) by message type, as the services declare it."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in SERVICES:
        kind = load(name)
        declared = kind.build(kind.settings(), World()).subscriptions
        for type_ in declared.types:
            found[type_] += [(name, each.name) for each in declared.of(type_) if not each.raw]
    return found


async def remembered_from(databases: Databases, service: str) -> str:
    """Messages with an id below this may be forgotten there: ``seen`` and ``done`` are swept after thirty days."""
    swept = await databases.one(service, SWEPT, SWEEP.name)
    if swept is None:
        return ""
    return uuid7(int((swept - KEPT_DONE + timedelta(minutes=1)).timestamp() * 1000), 0)


async def told(databases: Databases, report: Report) -> None:
    """Every event that is to be told was told, and once."""
    for service, tells in TELLS.items():
        if service not in databases:
            continue
        kinds, types = zip(*(key.split(" ") for key in tells), strict=True)
        async for rows in databases.pages(service, UNTOLD, kinds, types, list(tells.values())):
            for row in rows:
                where = (f"{service}.events {row['stream']} {row['version']}",)
                found = f"event {row['version']} has no {row['message']}, neither published nor in the outbox"
                report.add("facts are told", row["stream"].replace("-", " ", 1), found, where)
        async for rows in databases.pages(service, TWICE):
            for row in rows:
                twice = tuple(f"{service}.published {id_}" for id_ in row["ids"])
                found = f"{row['type']} number {row['sequence']} was told {len(row['ids'])} times"
                report.add("facts are told once", row["subject"], found, twice)


async def received(databases: Databases, report: Report) -> None:
    """What was published is where it was to go."""
    async for service, subscriber, message, subscription in unseen(databases, PUBLISHED):
        _lost(service, subscriber, message, subscription, report)


async def unseen(
    databases: Databases, published: str, *values: str
) -> AsyncIterator[tuple[str, str, asyncpg.Record, str]]:
    """What ``published`` selects and has not arrived: from whom, to whom, the message, the subscription."""
    listeners = subscriptions()
    oldest = {name: await remembered_from(databases, name) for name in databases.services}
    for service in databases.services:
        async for rows in databases.pages(service, published, *values):
            wanted: dict[str, list[tuple[str, str]]] = defaultdict(list)
            about = {row["message_id"]: row for row in rows}
            for row in rows:
                for subscriber, subscription in listeners.get(row["type"], ()):
                    if row["message_id"] > oldest.get(subscriber, "~"):
                        wanted[subscriber].append((row["message_id"], subscription))
            for subscriber, pairs in wanted.items():
                for lost in await databases.rows(subscriber, UNSEEN, *zip(*pairs, strict=True)):
                    yield service, subscriber, about[lost["message_id"]], lost["subscription"]


def _lost(service: str, subscriber: str, message: asyncpg.Record, subscription: str, report: Report) -> None:
    where = (
        f"{service}.published {message['message_id']}",
        f"{subscriber}.seen {message['message_id']} {subscription}",
    )
    found = f"{message['type']} about {message['subject']} never reached {subscriber}'s {subscription}"
    report.add("messages arrive", f"message {message['message_id']}", found, where)


async def feed_at_rest(databases: Databases, report: Report) -> None:
    """The public feed has them all, one position each."""
    if FEED_OF not in databases:
        return
    for service in databases.services:
        async for rows in databases.pages(service, PUBLISHED):
            about = {row["message_id"]: row for row in rows}
            for lost in await databases.rows(FEED_OF, NOT_IN_FEED, list(about)):
                message = about[lost["id"]]
                where = (f"{service}.published {lost['id']}", f"notification.feed {lost['id']}")
                found = f"{message['type']} about {message['subject']} is not in it"
                report.add("the feed is whole", f"message {lost['id']}", found, where)
    async for rows in databases.pages(FEED_OF, FEED):
        for row in rows:
            found = f"its position is {row['position']}, which leaves a gap or repeats one"
            report.add(
                "the feed is whole", f"message {row['message_id']}", found, (f"notification.feed {row['message_id']}",)
            )


async def done(databases: Databases, report: Report) -> None:
    """What was received is done or waits, and is done once."""
    for service in databases.services:
        async for rows in databases.pages(service, UNDONE, await remembered_from(databases, service)):
            for row in rows:
                where = (f"{service}.seen {row['message_id']} {row['subscription']}",)
                found = f"{service}'s {row['subscription']} received it; it neither waits in the inbox nor was it done"
                report.add("what was received is done", f"message {row['message_id']}", found, where)
        async for rows in databases.pages(service, DONE_TWICE):
            for row in rows:
                where = (f"{service}.done {row['message_id']} {row['subscription']}",)
                found = f"{service}'s {row['subscription']} worked it off {row['times']} times"
                report.add("messages are done once", f"message {row['message_id']}", found, where)


async def parked(databases: Databases, report: Report) -> None:
    """What an operator has to look at: ``soko dead-letters`` shows, replays and drops it."""
    for service in databases.services:
        for row in await databases.rows(service, PARKED):
            where = (f"{service}.{row['row']}",)
            report.add("nothing is parked", f"{service} {row['what']}", f"{row['name']}: {row['error']}", where)
