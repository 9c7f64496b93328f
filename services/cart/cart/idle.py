"""What becomes of carts that nobody touches: they are told of, then closed, then deleted.

Carts are found by when they were opened, not by when they were touched: an index on the latter would have to be changed
with every change of a cart.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from chassis.codec import encode
from chassis.context import Context
from chassis.jobs import Job
from chassis.rows import Meta
from chassis.service import Service

from cart.domain import Abandon, Expire, Gone, cart
from cart.domain.one_cart import CUSTOMER
from cart.settings import Settings
from cart.views import LINES, cart_view

AT_ONCE = 200
LEFT = """
select cart_id, lines, version from carts
where status = 'open' and abandoned_at is null and opened_at < $1 and updated_at < $1
  and owner like 'user:%' and lines <> '[]' and cart_id > $2
order by cart_id limit $3
"""  # $1 touched last before, $2 the last cart that was looked at, $3 so many
IDLE = """
select cart_id, lines, version from carts
where status = 'open' and opened_at < $1 and updated_at < $1 and cart_id > $2 order by cart_id limit $3
"""
OLD = """
select cart_id, order_id, owner, number from carts
where status = 'expired' and closed_at < $1 order by closed_at limit $2
"""
DELETE = (
    "delete from events where stream = any(:streams)",
    "delete from snapshots where stream = any(:streams)",
    "delete from carts where cart_id = any(:ids)",
)
KEEP_PLACE = """
insert into events (stream, version, type, data, meta, recorded_at)
select 'cart-' || (gone ->> 'cart_id'), 1, 'gone.v1', gone, cast(:meta as jsonb), :now
from jsonb_array_elements(cast(:gone as jsonb)) gone
"""


async def abandon(service: Service) -> str:
    """Say of each customer's cart, once, that it was left."""
    return f"{await _each(service, LEFT, _settings(service).cart_abandoned_after, Abandon)} carts were left"


async def expire(service: Service) -> str:
    """Close carts that were idle for long, and delete the streams of those that have been closed for long."""
    closed = await _each(service, IDLE, _settings(service).cart_idle_after, Expire)
    return f"closed {closed} carts, deleted {await _delete(service)}"


async def _each(service: Service, query: str, after: timedelta, command: type[Abandon] | type[Expire]) -> int:
    before, last, done = service.world.clock() - after, "", 0
    while rows := await service.database.pool.fetch(query, before, last, AT_ONCE):
        for row in rows:
            told = command(LINES.validate_json(row["lines"]))
            made = await service.execute(cart, row["cart_id"], told, _story(service))
            done += made.version > row["version"]
        last = rows[-1]["cart_id"]
    return done


async def _delete(service: Service) -> int:
    """A guest who comes back gets a new cart; a customer's next cart follows their last, whose place has to stay."""
    before, done = service.world.clock() - _settings(service).cart_deleted_after, 0
    while rows := await service.database.pool.fetch(OLD, before, AT_ONCE):
        await _forget(service, rows)
        done += len(rows)
    return done


async def _forget(service: Service, rows: Sequence[Any]) -> None:
    story, ids = _story(service), [row["cart_id"] for row in rows]
    places = [Gone(**row) for row in rows if row["owner"].startswith(CUSTOMER)]
    async with service.unit(story) as unit:
        for statement in DELETE:
            named = {"streams": [cart.name(id_) for id_ in ids], "ids": ids}
            await unit.sql.execute(sa.text(statement), {name: named[name] for name in named if f":{name}" in statement})
        meta = {"correlationid": story.correlationid, "causationid": story.causationid}
        values = {"gone": encode(places).decode(), "meta": encode(meta).decode(), "now": unit.now}
        await unit.sql.execute(sa.text(KEEP_PLACE), values)
        for place in places:
            at = Meta(cart.name(place.cart_id), place.cart_id, 1, unit.now)
            for row in cart_view(place, cart.fold([place]), at):
                unit.put(row)


def _story(service: Service) -> Context:
    id_ = service.world.ids()
    return Context(id_, id_, id_)


def _settings(service: Service) -> Settings:
    assert isinstance(service.settings, Settings)
    return service.settings


JOBS = (
    Job("abandoned-carts", abandon, every=timedelta(minutes=10)),
    Job("idle-carts", expire, every=timedelta(hours=1)),
)
