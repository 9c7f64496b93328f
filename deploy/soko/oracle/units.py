"""1. Units: the events of the SKUs, their rows, and the orders' reservations say the same."""

from soko.oracle.breach import Report
from soko.oracle.reading import Databases

MOVED = """
    select substr(stream, 7) as sku, coalesce(data ->> case type when 'dispatched.v1' then 'origin'
                when 'arrived.v1' then 'destination' else 'location' end, 'main') as location_id,
           case type when 'received.v1' then (data ->> 'quantity')::bigint
                     when 'returned.v1' then (data ->> 'quantity')::bigint
                     when 'arrived.v1' then (data ->> 'quantity')::bigint
                     when 'sold.v1' then -(data ->> 'quantity')::bigint
                     when 'dispatched.v1' then -(data ->> 'quantity')::bigint
                     when 'counted.v1' then (data ->> 'delta')::bigint
                     when 'adjusted.v1' then (data ->> 'delta')::bigint else 0 end as moved,
           case type when 'reserved.v1' then (data ->> 'quantity')::bigint
                     when 'released.v1' then -(data ->> 'quantity')::bigint
                     when 'sold.v1' then -(data ->> 'quantity')::bigint else 0 end as reserved,
           case type when 'filled.v1' then (data ->> 'quantity')::bigint else 0 end as filled,
           coalesce((data ->> 'waits')::boolean, false) as waits,
           case type when 'dispatched.v1' then (data ->> 'quantity')::bigint
                     when 'arrived.v1' then -(data ->> 'quantity')::bigint else 0 end as travelling,
           coalesce((data ->> 'cost')::bigint, 0) as cost
    from events where stream like 'stock-%'
"""  # what each event of a SKU did to its units
STOCK = f"""
with moved as ({MOVED}), told as (
    select sku, sum(moved) as moved, sum(reserved) as reserved, sum(travelling) as travelling, sum(cost) as cost,
           coalesce(sum(reserved) filter (where waits), 0) - sum(filled) as awaited
    from moved group by sku
), listed as (
    select sku, sum(delta) as moved, sum(cost) as cost,
           sum(delta) filter (where reason = 'transferred') as transferred
    from movements group by sku
), held as (
    select line ->> 'sku' as sku, sum((line ->> 'quantity')::bigint) as units from (
        select distinct on (stream) type, data from events
        where stream like 'reservation-%' and type in ('held.v1', 'released.v1', 'committed.v1')
        order by stream, version desc) last, jsonb_array_elements(data -> 'lines') line
    where type = 'held.v1' group by 1
), sent as (
    select sku, sum(quantity) as units from transfers where status = 'in_transit' group by sku
)
select sku, on_hand, stock.reserved, shortage, backordered, in_transit, costed, stock.cost,
       coalesce(told.moved, 0)::bigint as moved, coalesce(told.reserved, 0)::bigint as promised,
       coalesce(told.awaited, 0)::bigint as awaited, coalesce(told.travelling, 0)::bigint as travelling,
       coalesce(told.cost, 0)::bigint as told_cost, coalesce(listed.moved, 0)::bigint as listed,
       coalesce(listed.cost, 0)::bigint as listed_cost, coalesce(listed.transferred, 0)::bigint as transferred,
       coalesce(held.units, 0)::bigint as held, coalesce(sent.units, 0)::bigint as sent
from stock full join told using (sku) full join listed using (sku) full join held using (sku)
     full join sent using (sku) order by sku
"""  # each SKU's row beside what its events, its list of movements and the orders' reservations come to
PLACES = f"""
with moved as ({MOVED}), told as (
    select sku, location_id, sum(moved) as moved,
           coalesce(sum(reserved) filter (where not waits), 0) + sum(filled) as reserved
    from moved group by sku, location_id
), listed as (
    select sku, location_id, sum(delta) as moved from movements group by sku, location_id
)
select sku, location_id, shelves.on_hand, shelves.reserved, shelves.shortage,
       coalesce(told.moved, 0)::bigint as moved, coalesce(told.reserved, 0)::bigint as promised,
       coalesce(listed.moved, 0)::bigint as listed
from shelves full join (select * from told where sku in (select sku from shelves)) told using (sku, location_id)
     full join (select * from listed where sku in (select sku from shelves)) listed using (sku, location_id)
where coalesce(shelves.on_hand, 0) < 0 or coalesce(shelves.on_hand, 0) <> coalesce(told.moved, 0)
   or coalesce(shelves.on_hand, 0) <> coalesce(listed.moved, 0)
   or coalesce(shelves.reserved, 0) <> coalesce(told.reserved, 0)
   or coalesce(shelves.reserved, 0) - coalesce(shelves.on_hand, 0) > coalesce(shelves.shortage, 0)
order by sku, location_id
"""  # locations of a SKU where its row, its events and its movements do not say the same
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

SELLS = """
select sku, available, greatest(0, backorder_limit - backordered) as backorderable,
       exists (select from events where stream = 'stock-' || sku and type = 'level_crossed.v1') as told
from stock
"""
COPIES = {
    "catalog": "select sku, available, backorderable from stock where sku = any($1::text[]) and sequence >= 0",
    "cart": "select sku, 0 as available, available as backorderable from stock where sku = any($1::text[])",
}
"""Those that say what of a SKU can be bought. A cart's tells nothing of whether it is there."""

THERE = "select id from unnest($1::text[]) id where exists (select from events where stream = 'order-' || id)"


async def units(databases: Databases, report: Report) -> None:
    """Each SKU by itself."""
    async for rows in databases.pages("inventory", STOCK):
        for row in rows:
            sku, on_hand, reserved = row["sku"], row["on_hand"] or 0, row["reserved"] or 0
            events = (f"inventory.stock {sku}", f"inventory.events stock-{sku}")
            backordered, in_transit = row["backordered"] or 0, row["in_transit"] or 0
            if on_hand < 0 or not row["moved"] == row["listed"] == on_hand:
                found = f"{on_hand} on hand, its events come to {row['moved']}, its movements to {row['listed']}"
                report.add("movements = on hand", f"SKU {sku}", found, (*events, f"inventory.movements {sku}"))
            if reserved < 0 or reserved - on_hand > (row["shortage"] or 0) + backordered:
                found = f"{reserved} reserved, {on_hand} on hand, {row['shortage']} known to be missing"
                report.add("reserved is there", f"SKU {sku}", f"{found}, {backordered} still to come", events)
            if not row["held"] == row["promised"] == reserved:
                found = f"{reserved} reserved, its events come to {row['promised']}, orders hold {row['held']}"
                report.add("reserved = reservations", f"SKU {sku}", found, events)
            if not 0 <= backordered == row["awaited"]:
                found = f"{backordered} still to come, its events come to {row['awaited']}"
                report.add("reserved = reservations", f"SKU {sku}", found, events)
            if not 0 <= in_transit == row["travelling"] == row["sent"] == -row["transferred"]:
                found = (
                    f"{in_transit} in transit, its events come to {row['travelling']}, its transfers to {row['sent']}"
                )
                report.add("transfers sum to nothing", f"SKU {sku}", found, (*events, f"inventory.movements {sku}"))
            cost, costed = row["cost"] or 0, row["costed"] or 0
            whole = 0 <= costed <= on_hand + in_transit and cost >= 0 and (costed > 0 or cost == 0)
            if not whole or not cost == row["told_cost"] == row["listed_cost"]:
                found = f"{costed} units for {cost}, its events come to {row['told_cost']}"
                found = f"{found}, its movements to {row['listed_cost']}"
                report.add("value = costs", f"SKU {sku}", found, (*events, f"inventory.movements {sku}"))


async def places(databases: Databases, report: Report) -> None:
    """Each SKU at each location, where it is or was at more than the main one."""
    async for rows in databases.pages("inventory", PLACES):
        for row in rows:
            sku, place = row["sku"], row["location_id"]
            found = f"{row['on_hand']} on hand, its events come to {row['moved']}, its movements to {row['listed']}"
            found = f"{found}; {row['reserved']} reserved, its events come to {row['promised']}"
            where = (f"inventory.shelves {sku} {place}", f"inventory.events stock-{sku}")
            report.add("locations add up", f"SKU {sku} at {place}", found, where)


async def moves(databases: Databases, report: Report) -> None:
    """Each unit's way, as both streams that a move writes tell it."""
    async for rows in databases.pages("inventory", MOVES):
        for row in rows:
            about = f"order {row['order_id']}"
            where = (f"inventory.events reservation-{row['order_id']}", f"inventory.events stock-{row['sku']}")
            report.add(
                "a unit moves once", about, f"{row['units']} of {row['sku']} {row['move']}: {row['found']}", where
            )


async def copies_at_rest(databases: Databases, report: Report) -> None:
    """Each SKU as others know it: none there and none to come, only to come, or there."""
    async for rows in databases.pages("inventory", SELLS):
        for service, sql in COPIES.items():
            known = {row["sku"]: row for row in await databases.rows(service, sql, [row["sku"] for row in rows])}
            for row in rows:
                sku, copy = row["sku"], known.get(row["sku"])
                if copy is None and not row["told"]:
                    continue
                there, more = row["available"], row["backorderable"]
                where = (f"inventory.stock {sku}", f"{service}.stock {sku}")
                says = "has not heard of it"
                if copy is not None:
                    same = service == "cart" or (copy["available"] > 0) == (there > 0)
                    if same and (copy["available"] + copy["backorderable"] > 0) == (there + more > 0):
                        continue
                    says = f"says {copy['available']} and {copy['backorderable']}"
                found = f"{there} there and {more} more to be ordered, the {service} {says}"
                report.add("copies of stock agree", f"SKU {sku}", found, where)


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
