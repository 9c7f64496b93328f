"""3 to 5: what can happen once, happened once; a key stands for one thing; streams have no gaps."""

from collections.abc import Mapping, Sequence

from soko.oracle.breach import Report
from soko.oracle.reading import Databases

ONCE: Mapping[str, Sequence[str]] = {
    "order": (
        *("placed.v1", "coupon_redeemed.v1", "coupon_rejected.v1", "placed_without_coupon.v1", "awaiting_payment.v1"),
        *("confirmed.v1", "cancelling.v1", "cancelled.v1"),
        *("payment_started.v1", "payment_captured.v1", "payment_failed.v1"),
        *("refund_started.v1", "refund_succeeded.v1", "refund_failed.v1", "refund_retried.v1"),
    ),
    "payment": ("requested.v1", "authorised.v1", "captured.v1", "voided.v1", "refunded.v1"),
    "inventory": ("held.v1", "committed.v1", "released.v1", "listed.v1"),
    "cart": (
        *("opened.v1", "ordered.v1", "merged.v1", "put_back_asked.v1", "put_back.v1", "abandoned.v1", "expired.v1"),
        *("created.v1", "withdrawn.v1", "redeemed.v1", "rejected.v1", "returned.v1"),
    ),
}
"""Events that a stream has at most one of; at most one of each payment, or try of a refund, where they name one."""

REPEATED = """
select stream, type, array_agg(version order by version) as versions from events
where type = any($1::text[]) and not (type = 'released.v1' and stream like 'stock-%')
group by stream, type, coalesce(data ->> 'tries', '1'),
    coalesce(data ->> 'refund_id', data ->> 'payment_id', data -> 'payment' ->> 'payment_id')
having count(*) > 1
"""
GAPS = """
select stream, count(*) as events, min(version) as first, max(version) as last
from events group by stream having count(*) <> max(version) or min(version) <> 1
"""
ONE_CART = """
select data ->> 'cart_id' as cart_id, array_agg(stream order by stream) as orders
from events where type = 'placed.v1' group by 1 having count(distinct stream) > 1
"""
KEYS = """
select caller, route, key, count(*) as times from idempotency group by caller, route, key having count(*) > 1
"""
MISSING: Mapping[str, str] = {
    "order": """
        select route, key, resource_id from idempotency
        where (route = 'POST /api/v1/orders' or route like '%/pay' or route like '%/cancel' or route like '%/retry')
          and not exists (select from events where stream = 'order-' || resource_id)
        union all
        select route, key, resource_id from idempotency
        where route like '%/refunds' and not exists (select from refunds where id = resource_id)
    """,
    "payment": """
        select route, key, resource_id from idempotency
        where not exists (select from events where stream = 'payment-' || resource_id)
    """,
    "inventory": """
        select route, key, resource_id from idempotency
        where not exists (select from events where stream in ('stock-' || resource_id, 'location-' || resource_id))
          and not exists (select from transfers where id = resource_id)
    """,
    "cart": """
        select route, key, resource_id from idempotency
        where not exists (select from events where stream in ('cart-' || resource_id, 'coupon-' || resource_id))
    """,
}
"""Keys whose thing is not there. What state-stored services made may have been deleted since."""


async def steps(databases: Databases, report: Report) -> None:
    """No step of a stream's life was taken twice, and none is missing from it."""
    for service, types in ONCE.items():
        async for rows in databases.pages(service, REPEATED, list(types)):
            for row in rows:
                where = tuple(f"{service}.events {row['stream']} {version}" for version in row["versions"])
                found = f"{row['type']} happened {len(row['versions'])} times"
                report.add("a step is taken once", row["stream"].replace("-", " ", 1), found, where)
        async for rows in databases.pages(service, GAPS):
            for row in rows:
                found = f"{row['events']} events, from version {row['first']} to {row['last']}"
                where = (f"{service}.events {row['stream']}",)
                report.add("streams have no gaps", row["stream"].replace("-", " ", 1), found, where)


async def carts(databases: Databases, report: Report) -> None:
    """No cart was ordered twice."""
    async for rows in databases.pages("order", ONE_CART):
        for row in rows:
            found = f"orders {', '.join(stream.partition('-')[2] for stream in row['orders'])} were made of it"
            where = tuple(f"order.events {stream}" for stream in row["orders"])
            report.add("one cart, one order", f"cart {row['cart_id']}", found, where)


async def keys(databases: Databases, report: Report) -> None:
    """One key, one thing that exists."""
    for service in databases.services:
        for row in await databases.rows(service, KEYS):
            where = (f"{service}.idempotency {row['route']} {row['key']}",)
            found = f"it stands there {row['times']} times for {row['route']}"
            report.add("one key, one effect", f"key {row['key']} of {row['caller']}", found, where)
        if service in MISSING:
            for row in await databases.rows(service, MISSING[service]):
                where = (f"{service}.idempotency {row['route']} {row['key']}",)
                found = f"{row['route']} answers with {row['resource_id']}, which does not exist"
                report.add("one key, one effect", f"key {row['key']}", found, where)
