"""Coupons: their uses are those of orders that stand, and there are never more than may be."""

from collections import Counter
from collections.abc import Mapping, Sequence

from soko.oracle.breach import Report
from soko.oracle.reading import Databases, Event

COUNTED = """
with held as (
    select data ->> 'coupon_id' as coupon_id, data ->> 'customer_id' as customer_id from events
    where type = 'redeemed.v1' and stream like 'redemption-%' and not exists (
        select from events later where later.stream = events.stream and later.type = 'returned.v1')
), having_it as (
    select 'coupon-' || coupon_id as stream, count(*) as orders from held group by 1
    union all
    select 'customer_uses-' || coupon_id || '.' || customer_id, count(*) from held
    where customer_id is not null group by 1
), counted as (
    select stream, count(*) filter (where type in ('used.v1', 'counted.v1'))
                   - count(*) filter (where type in ('freed.v1', 'uncounted.v1')) as uses
    from events where stream like 'coupon-%' or stream like 'customer\\_uses-%' group by 1
)
select stream, coalesce(uses, 0) as uses, coalesce(orders, 0) as orders
from counted full join having_it using (stream) where coalesce(uses, 0) <> coalesce(orders, 0)
"""
BY_CUSTOMER = """
select stream, count(*) filter (where type = 'counted.v1') - count(*) filter (where type = 'uncounted.v1') as uses
from events where stream like 'customer\\_uses-' || $1 || '.%' group by 1
"""
STANDING = """
select substr(stream, 7) as id, placed.data -> 'coupon' ->> 'coupon_id' as coupon_id
from events placed
where type = 'placed.v1' and stream = any($1::text[])
  and exists (select from events later where later.stream = placed.stream and later.type = 'coupon_redeemed.v1')
  and not exists (select from events later where later.stream = placed.stream and later.type = 'cancelled.v1')
"""


async def uses(databases: Databases, report: Report) -> None:
    """Each counter beside the redemptions, and beside the limits as they were when it counted."""
    async for rows in databases.pages("cart", COUNTED):
        for row in rows:
            found = f"it counts {row['uses']} uses, and {row['orders']} orders have it"
            report.add(
                "uses = redemptions", row["stream"].replace("-", " ", 1), found, (f"cart.events {row['stream']}",)
            )
    async for streams in databases.streams("cart", "coupon"):
        for id_, events in streams.items():
            await _limits(databases, id_, events, report)


async def _limits(databases: Databases, id_: str, events: Sequence[Event], report: Report) -> None:
    used, limit, each = 0, None, list[int | None]()
    for event in events:
        match event.type:
            case "created.v1" | "changed.v1":
                limit = event.data["terms"]["max_uses"]
                each.append(event.data["terms"]["max_uses_per_customer"])
            case "freed.v1":
                used -= 1
            case "used.v1":
                used += 1
                if limit is not None and used > limit:
                    where = (f"cart.events coupon-{id_} {event.version}",)
                    report.add("no use too many", f"coupon {id_}", f"{used} uses, where {limit} may be", where)
    highest = max((most for most in each if most is not None), default=None)
    if highest is None or None in each:
        return
    for row in await databases.rows("cart", BY_CUSTOMER, id_):
        if row["uses"] > highest:
            customer = row["stream"].rpartition(".")[2]
            found = f"customer {customer} has {row['uses']} uses, where {highest} may be"
            report.add("no use too many", f"coupon {id_}", found, (f"cart.events {row['stream']}",))


async def holders_at_rest(databases: Databases, report: Report) -> None:
    """A use is of an order that stands and says so; such an order has its use."""
    async for streams in databases.streams("cart", "redemption"):
        held = {id_: events[0].data["coupon_id"] for id_, events in streams.items() if _held(events)}
        names = [f"order-{id_}" for id_ in streams]
        stand = {row["id"]: row["coupon_id"] for row in await databases.rows("order", STANDING, names)}
        _differ(held, stand, report)


def _held(events: Sequence[Event]) -> bool:
    types = Counter(event.type for event in events)
    return types["redeemed.v1"] > types["returned.v1"]


def _differ(held: Mapping[str, str], stand: Mapping[str, str], report: Report) -> None:
    for id_ in sorted(held.keys() | stand.keys()):
        if held.get(id_) != stand.get(id_):
            has = f"a use of coupon {held[id_]}" if id_ in held else "no use"
            should = f"coupon {stand[id_]}" if id_ in stand else "none, or is cancelled"
            where = (f"cart.events redemption-{id_}", f"order.events order-{id_}")
            report.add("a use is an order's", f"order {id_}", f"it has {has}; by its own events {should}", where)
