"""1. Units: the events of the SKUs, their rows, and the orders' reservations say the same."""

from soko.oracle.breach import Report
from soko.oracle.reading import Databases

STOCK = """
with told as (
    select substr(stream, 7) as sku,
           sum(case type when 'received.v1' then (data ->> 'quantity')::bigint
                         when 'returned.v1' then (data ->> 'quantity')::bigint
                         when 'sold.v1' then -(data ->> 'quantity')::bigint
                         when 'counted.v1' then (data ->> 'delta')::bigint
                         when 'adjusted.v1' then (data ->> 'delta')::bigint else 0 end) as moved,
           sum(case type when 'reserved.v1' then (data ->> 'quantity')::bigint
                         when 'released.v1' then -(data ->> 'quantity')::bigint
                         when 'sold.v1' then -(data ->> 'quantity')::bigint else 0 end) as reserved
    from events where stream like 'stock-%' group by stream
), listed as (
    select sku, sum(delta) as moved from movements group by sku
), held as (
    select line ->> 'sku' as sku, sum((line ->> 'quantity')::bigint) as units from (
        select distinct on (stream) type, data from events
        where stream like 'reservation-%' and type in ('held.v1', 'released.v1', 'committed.v1')
        order by stream, version desc) last, jsonb_array_elements(data -> 'lines') line
    where type = 'held.v1' group by 1
)
select sku, on_hand, stock.reserved, shortage, coalesce(told.moved, 0)::bigint as moved,
       coalesce(told.reserved, 0)::bigint as promised, coalesce(listed.moved, 0)::bigint as listed,
       coalesce(held.units, 0)::bigint as held
from stock full join told using (sku) full join listed using (sku) full join held using (sku) order by sku
"""  # each SKU's row beside what its events, its list of movements and the orders' reservations come to
MOVES = """
with said as (
    select substr(stream, 13) as order_id, case type when 'held.v1' then 'reserved' when 'committed.v1' then 'sold'
           else 'given back' end as move, line ->> 'sku' as sku, (line ->> 'quantity')::bigint as units
    from events, jsonb_array_elements(data -> 'lines') line
    where stream like 'reservation-%' and type in ('held.v1', 'committed.v1', 'released.v1')
), done as (
    select data ->> 'order_id' as order_id, case type when 'reserved.v1' then 'reserved' when 'sold.v1' then 'sold'
           else 'given back' end as move, substr(stream, 7) as sku, (data ->> 'quantity')::bigint as units
    from events
    where stream like 'stock-%' and type in ('reserved.v1', 'sold.v1', 'released.v1', 'returned.v1')
)
(select *, 'the reservation says so, the SKU does not' as found from (table said except all table done) a)
union all
(select *, 'the SKU says so, the reservation does not' from (table done except all table said) b)
"""  # moves that stand on one side only, or once more on one side

THERE = "select id from unnest($1::text[]) id where exists (select from events where stream = 'order-' || id)"


async def units(databases: Databases, report: Report) -> None:
    """Each SKU by itself."""
    async for rows in databases.pages("inventory", STOCK):
        for row in rows:
            sku, on_hand, reserved = row["sku"], row["on_hand"] or 0, row["reserved"] or 0
            events = (f"inventory.stock {sku}", f"inventory.events stock-{sku}")
            if on_hand < 0 or not row["moved"] == row["listed"] == on_hand:
                found = f"{on_hand} on hand, its events come to {row['moved']}, its movements to {row['listed']}"
                report.add("movements = on hand", f"SKU {sku}", found, (*events, f"inventory.movements {sku}"))
            if reserved < 0 or reserved - on_hand > (row["shortage"] or 0):
                found = f"{reserved} reserved, {on_hand} on hand, {row['shortage']} known to be missing"
                report.add("reserved is there", f"SKU {sku}", found, events)
            if not row["held"] == row["promised"] == reserved:
                found = f"{reserved} reserved, its events come to {row['promised']}, orders hold {row['held']}"
                report.add("reserved = reservations", f"SKU {sku}", found, events)


async def moves(databases: Databases, report: Report) -> None:
    """Each unit's way, as both streams that a move writes tell it."""
    async for rows in databases.pages("inventory", MOVES):
        for row in rows:
            about = f"order {row['order_id']}"
            where = (f"inventory.events reservation-{row['order_id']}", f"inventory.events stock-{row['sku']}")
            report.add(
                "a unit moves once", about, f"{row['units']} of {row['sku']} {row['move']}: {row['found']}", where
            )


async def strays_at_rest(databases: Databases, report: Report) -> None:
    """Whatever holds units is an order's."""
    async for streams in databases.streams("inventory", "reservation", ("held.v1", "committed.v1", "released.v1")):
        held = [id_ for id_, events in streams.items() if events[-1].type != "released.v1"]
        there = {row["id"] for row in await databases.rows("order", THERE, held)}
        for id_ in held:
            if id_ not in there:
                where = (f"inventory.events reservation-{id_}",)
                found = f"its reservation ended in {streams[id_][-1].type}, and there is no such order"
                report.add("units belong to an order", f"order {id_}", found, where)
