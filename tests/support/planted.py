"""Breaches to plant in a shop's databases: at least one of each rule that the oracle knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """What is done to which service's database, and what the breach then has to name."""

    rule: str
    service: str
    sql: str
    names: str


REPEAT = (
    "insert into events (stream, version, type, data, meta, recorded_at) select stream, "
    "(select max(version) + 1 from events e where e.stream = events.stream), type, data, meta, recorded_at from events "
    "where stream = '{0}' and type = '{1}' order by version limit 1"
)
PARK = """
insert into inbox (subscription, key, message_id, type, source, subject, partitionkey, sequence, time, correlationid,
                   causationid, data, received_at, due_at, tries, error, parked_at)
select 'captured', 'order-{paid}', message_id, type, source, subject, partitionkey, sequence, time, correlationid,
       causationid, {data}, time, time, 8, 'it broke', time
from published where type = 'order.placed.v1' and subject = '{paid}'
"""
CARD = "4242 4242 4242 4242".replace(" ", "")
SIGNED = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln"


def told(rule: str, service: str, table: str, column: str, said: str, where: str, names: str) -> Planted:
    """Something that should not be readable, in this place."""
    return Planted(rule, service, f"update {table} set {column} = {said} where {where}", names)


PLANTED = (
    # 1
    Planted("movements = on hand", "inventory", "update stock set on_hand = on_hand + 1 where sku = '{sku}'", "{sku}"),
    Planted("movements = on hand", "inventory", "update movements set delta = 7 where sku = '{sku}'", "{sku}"),
    Planted("reserved is there", "inventory", "update stock set reserved = 1000 where sku = '{sku}'", "{sku}"),
    Planted("reserved is there", "inventory", "update stock set reserved = -1 where sku = '{sku}'", "{sku}"),
    Planted(
        "reserved = reservations", "inventory", "update stock set reserved = reserved + 1 where sku = '{sku}'", "{sku}"
    ),
    Planted("locations add up", "inventory", "insert into shelves values ('{sku}', 'elsewhere', 3, 0, 0, 1)", "{sku}"),
    Planted("transfers sum to nothing", "inventory", "update stock set in_transit = 1 where sku = '{sku}'", "{sku}"),
    Planted("value = costs", "inventory", "update movements set cost = 5 where sku = '{sku}'", "{sku}"),
    Planted("a unit moves once", "inventory", REPEAT.format("stock-{sku}", "sold.v1"), "{paid}"),
    Planted(
        "an order holds its units",
        "inventory",
        "delete from events where stream = 'reservation-{paid}' and type = 'committed.v1'",
        "{paid}",
    ),
    Planted(
        "an order holds its units",
        "inventory",
        "delete from events where stream = 'reservation-{refunded}' and type = 'released.v1'",
        "{refunded}",
    ),
    Planted("copies of stock agree", "catalog", "update stock set available = 0 where sku = '{sku}'", "{sku}"),
    Planted(
        "copies of stock agree",
        "catalog",
        "update stock set available = 0, backorderable = 5 where sku = '{sku}'",
        "{sku}",
    ),
    Planted("copies of stock agree", "catalog", "delete from stock where sku = '{sku}'", "{sku}"),
    Planted("copies of stock agree", "cart", "update stock set available = 0 where sku = '{sku}'", "{sku}"),
    Planted(
        "units belong to an order",
        "inventory",
        "update events set stream = 'reservation-{other}' where stream = 'reservation-{paid}'",
        "{other}",
    ),
    # 2
    Planted(
        "0 <= refunded <= captured",
        "payment",
        "update events set data = data || '{{\"amount\": 99999900}}' "
        "where stream = 'payment-{refunded_payment}' and type = 'refunded.v1'",
        "{refunded_payment}",
    ),
    Planted(
        "money kept",
        "payment",
        "delete from events where stream = 'payment-{refunded_payment}' and type = 'refunded.v1'",
        "{refunded}",
    ),
    Planted(
        "money kept",
        "order",
        "delete from events where stream = 'order-{paid}' and type = 'confirmed.v1'",
        "{paid}",
    ),
    Planted(
        "a confirmed order is paid",
        "payment",
        "update events set data = data || '{{\"amount\": 1}}' "
        "where stream = 'payment-{paid_payment}' and type = 'captured.v1'",
        "{paid}",
    ),
    Planted(
        "refunds agree",
        "order",
        "update events set data = data || '{{\"amount\": 1}}' "
        "where stream = 'order-{refunded}' and type = 'refund_started.v1'",
        "{refunded}",
    ),
    Planted("ledgers agree", "cardsim", "delete from ledger where reference = '{paid_payment}'", "{paid_payment}"),
    Planted(
        "ledgers agree",
        "cardsim",
        "insert into ledger (charge_id, reference, kind, amount, currency, at) select charge_id, reference, kind, "
        "amount, currency, at from ledger where reference = '{paid_payment}' and kind = 'capture'",
        "{paid_payment}",
    ),
    Planted(
        "ledgers agree",
        "cardsim",
        "insert into ledger (charge_id, reference, kind, refund_id, amount, currency, at) select charge_id, reference, "
        "kind, refund_id, amount, currency, at from ledger where reference = '{refunded_payment}' and kind = 'refund'",
        "{refunded_payment}",
    ),
    Planted("ledgers agree", "payment", "delete from events where stream = 'payment-{paid_payment}'", "{paid_payment}"),
    Planted(
        "ledgers agree", "cardsim", "update ledger set charge_id = 'ch_x' where reference = '{paid_payment}'", "ch_x"
    ),
    Planted(
        "no promise is left",
        "cardsim",
        "update charges set status = 'authorised' where reference = '{open_payment}'",
        "{open_payment}",
    ),
    Planted(
        "money belongs to an order",
        "payment",
        'update events set data = data || \'{{"order_id": "{other}"}}\' '
        "where stream = 'payment-{paid_payment}' and type = 'requested.v1'",
        "{other}",
    ),
    Planted(
        "money belongs to an order",
        "order",
        "delete from events where stream = 'order-{paid}' and type in ('payment_started.v1', 'payment_captured.v1')",
        "{paid}",
    ),
    Planted(
        "discount = shares",
        "order",
        "update events set data = jsonb_set(data, '{{lines,0,discount}}', '1') "
        "where stream = 'order-{reduced}' and type = 'placed.v1'",
        "{reduced}",
    ),
    Planted(
        "discount = shares",
        "order",
        "update events set data = jsonb_set(data, '{{totals,total}}', '1') "
        "where stream = 'order-{paid}' and type = 'placed.v1'",
        "{paid}",
    ),
    Planted(
        "uses = redemptions",
        "cart",
        "delete from events where stream = 'coupon-{coupon}' and type = 'freed.v1'",
        "coupon {coupon}",
    ),
    Planted(
        "uses = redemptions",
        "cart",
        "delete from events where stream like 'customer_uses-{coupon}.%' and type = 'uncounted.v1'",
        "{coupon}.",
    ),
    Planted(
        "no use too many",
        "cart",
        "update events set data = jsonb_set(data, '{{terms,max_uses}}', '0') "
        "where stream = 'coupon-{coupon}' and type = 'created.v1'",
        "where 0 may be",
    ),
    Planted(
        "no use too many",
        "cart",
        "update events set data = jsonb_set(data, '{{terms,max_uses_per_customer}}', '0') "
        "where stream = 'coupon-{coupon}' and type = 'created.v1'",
        "customer_uses-{coupon}",
    ),
    Planted(
        "a use is an order's",
        "cart",
        "delete from events where stream = 'redemption-{returned}' and type = 'returned.v1'",
        "{returned}",
    ),
    Planted(
        "a use is an order's",
        "order",
        "delete from events where stream = 'order-{reduced}' and type = 'coupon_redeemed.v1'",
        "{reduced}",
    ),
    # 3
    Planted(
        "every order settles",
        "order",
        "delete from events where stream = 'order-{paid}' and type in ('payment_captured.v1', 'confirmed.v1')",
        "{paid}",
    ),
    Planted("who waits has a timer", "order", "delete from timers where stream = 'order-{open}'", "{open}"),
    Planted(
        "who waits has a timer",
        "payment",
        "delete from events where stream = 'payment-{paid_payment}' and type <> 'requested.v1'",
        "{paid_payment}",
    ),
    Planted(
        "facts are told",
        "order",
        "delete from published where type = 'order.confirmed.v1' and subject = '{paid}'",
        "{paid}",
    ),
    Planted(
        "facts are told", "inventory", "delete from published where type = 'inventory.stock_reserved.v1'", "{paid}"
    ),
    Planted(
        "messages arrive",
        "cart",
        "delete from seen where message_id in (select message_id from done where type = 'order.placed.v1')",
        "{paid}",
    ),
    Planted("messages arrive", "order", "delete from seen where subscription = 'captured'", "{paid_payment}"),
    Planted("commands arrive", "inventory", "delete from events where stream = 'reservation-{paid}'", "{paid}"),
    Planted("commands arrive", "payment", "delete from events where stream = 'payment-{paid_payment}'", "{paid}"),
    Planted("commands arrive", "cart", "delete from events where type = 'put_back_asked.v1'", "{dropped}"),
    Planted("commands arrive", "cart", "delete from events where stream = 'redemption-{reduced}'", "{reduced}"),
    Planted(
        "commands arrive",
        "notification",
        "delete from notifications where cause = '{paid}' and kind = 'order_confirmed'",
        "{paid}",
    ),
    Planted("what was received is done", "order", "delete from done where subscription = 'captured'", "captured"),
    Planted(
        "messages are done once",
        "order",
        "insert into done select id + 1000000, message_id, subscription, type, key, correlationid, tries, received_at, "
        "finished_at, note from done where subscription = 'captured'",
        "captured",
    ),
    Planted(
        "facts are told once",
        "order",
        "insert into published select id + 1000000, '{other}', type, source, subject, partitionkey, sequence, time, "
        "correlationid, causationid, traceparent, data from published "
        "where type = 'order.placed.v1' and subject = '{paid}'",
        "{paid}",
    ),
    Planted(
        "the feed is whole",
        "notification",
        "delete from feed where type = 'order.confirmed.v1' and subject = '{paid}'",
        "{paid}",
    ),
    Planted("the feed is whole", "notification", "update feed set position = -3 where position = 3", "is -3"),
    Planted("a step is taken once", "order", REPEAT.format("order-{paid}", "confirmed.v1"), "{paid}"),
    Planted(
        "a step is taken once", "payment", REPEAT.format("payment-{paid_payment}", "captured.v1"), "{paid_payment}"
    ),
    Planted("a step is taken once", "inventory", REPEAT.format("reservation-{paid}", "committed.v1"), "{paid}"),
    Planted("a step is taken once", "cart", REPEAT.format("cart-{cart}", "ordered.v1"), "{cart}"),
    Planted("nothing is parked", "order", PARK.replace("{data}", "data"), "order.placed.v1"),
    Planted(
        "nothing is parked",
        "payment",
        "insert into calls (id, name, stream, key, request, correlationid, causationid, created_at, due_at, error, "
        "parked_at) values ('{other}', 'card.capture', 'payment-{paid_payment}', 'k', '{{}}', 'c', 'c', "
        "now(), now(), 'it broke', now())",
        "card.capture",
    ),
    # 4
    Planted(
        "one cart, one order",
        "order",
        "insert into events (stream, version, type, data, meta, recorded_at) "
        "select 'order-{other}', 1, type, data, meta, recorded_at from events "
        "where stream = 'order-{paid}' and type = 'placed.v1'",
        "{paid}",
    ),
    Planted(
        "a cart becomes its order",
        "cart",
        "delete from events where stream = 'cart-{cart}' and type = 'ordered.v1'",
        "{paid}",
    ),
    Planted(
        "one key, one effect",
        "order",
        "alter table idempotency drop constraint idempotency_pkey; insert into idempotency "
        "select caller, route, key, body_hash, '{other}', created_at from idempotency where resource_id = '{paid}'",
        "times",
    ),
    Planted(
        "one key, one effect",
        "order",
        "update idempotency set resource_id = '{other}' where resource_id = '{paid}'",
        "{other}",
    ),
    # 5
    Planted(
        "streams have no gaps", "order", "delete from events where stream = 'order-{paid}' and version = 2", "{paid}"
    ),
    Planted(
        "replay equals live", "order", "update orders set total = total + 1 where id = '{paid}'", "order.orders {paid}"
    ),
    Planted(
        "replay equals live", "payment", "delete from movements where payment_id = '{paid_payment}'", "{paid_payment}"
    ),
    Planted(
        "replay equals live",
        "order",
        "insert into refunds select '{other}', order_id, number, payment_id, amount, currency, reason, status, "
        "version, created_at, updated_at from refunds limit 1",
        "order.refunds {other}",
    ),
    Planted(
        "replay equals live",
        "order",
        "update events set type = 'gone.v1' where stream = 'order-{paid}' and type = 'confirmed.v1'",
        "{paid}",
    ),
    Planted(
        "snapshots equal the whole",
        "inventory",
        'insert into snapshots values (\'stock-{sku}\', 2, 2, \'{{"sku": "{sku}", "threshold": 5, '
        '"initial_received": true, "on_hand": 999, "reserved": 0, "shortage": 0}}\')',
        "{sku}",
    ),
    # 6
    Planted(
        "what is one's own",
        "cart",
        'update events set data = data || \'{{"owner": "user:{other}"}}\' '
        "where stream = 'cart-{cart}' and type = 'opened.v1'",
        "{paid}",
    ),
    Planted(
        "what is one's own",
        "payment",
        'update events set data = data || \'{{"customer_id": "{other}"}}\' '
        "where stream = 'payment-{paid_payment}' and type = 'requested.v1'",
        "{paid}",
    ),
    told(
        "no secrets",
        "order",
        "events",
        "data",
        f'data || \'{{{{"x": "{SIGNED}"}}}}\'',
        "stream = 'order-{paid}'",
        "{paid}",
    ),
    told(
        "no secrets",
        "payment",
        "events",
        "data",
        'data || \'{{"token": "s3cr3t"}}\'',
        "stream = 'payment-{paid_payment}'",
        "{paid_payment}",
    ),
    told(
        "no secrets",
        "order",
        "published",
        "data",
        f'data || \'{{{{"x": "paid by {CARD}"}}}}\'',
        "subject = '{paid}'",
        "card number",
    ),
    told("no secrets", "order", "done", "note", "'tok_success'", "subscription = 'captured'", "payment token"),
    told("no secrets", "order", "jobs", "last_error", "'Bearer abcdefghijkl'", "true", "bearer token"),
    Planted("no secrets", "order", PARK.replace("{data}", '\'{{"status": "tok_success"}}\''), "parked"),
    told(
        "no personal data",
        "order",
        "published",
        "data",
        'data || \'{{"x": "a@b.example"}}\'',
        "subject = '{paid}'",
        "mail address",
    ),
    told(
        "no personal data",
        "payment",
        "published",
        "data",
        'data || \'{{"x": "+254700000001"}}\'',
        "true",
        "phone number",
    ),
)
