"""One purchase is one trace, from the gateway through messages and calls to the provider's webhook."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from chassis import telemetry
from chassis.tracing import Tracing
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shopping import OpenShop

TRACEPARENT = "00-5f2b8f0c0e1d4c6b9a7d3e2f1a0b9c8d-00f067aa0ba902b7-01"
PATH = [
    ("gateway", "POST order"),
    ("order", "POST place_order"),
    ("order", "send inventory.reserve_stock.v1"),
    ("inventory", "receive inventory.reserve_stock.v1"),
    ("inventory", "work reserve_stock"),
    ("inventory", "send inventory.stock_reserved.v1"),
    ("order", "receive inventory.stock_reserved.v1"),
    ("order", "work stock_reserved"),
    ("order", "send payment.authorise.v1"),
    ("payment", "receive payment.authorise.v1"),
    ("payment", "work authorise"),
    ("payment", "call card.authorise"),
]
"""Each a child of the one before."""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """All spans that end, while the test runs."""
    kept = InMemorySpanExporter()
    telemetry.use(Tracing(SimpleSpanProcessor(kept)))
    yield kept
    telemetry.use(None)


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return int(span.parent.span_id)


def named(span: ReadableSpan) -> tuple[str, str]:
    return str(span.resource.attributes["service.name"]), span.name


async def test_a_purchase_is_one_trace_with_its_links(shop: OpenShop, spans: InMemorySpanExporter) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    await shop.quiet()
    spans.clear()
    customer.headers["traceparent"] = TRACEPARENT
    answer = await customer.checkout("tok_slow")
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
    trace = answer.headers["traceparent"].split("-")[1]
    assert trace == TRACEPARENT.split("-")[1]
    await shop.quiet()

    every = spans.get_finished_spans()
    ours = [span for span in every if f"{span.context.trace_id:032x}" == trace]
    by_id = {id_of(span): span for span in ours}
    parents = {(named(by_id[parent_of(span)]), named(span)) for span in ours if parent_of(span) in by_id}
    for before, after in pairwise(PATH):
        assert (before, after) in parents
    names = {named(span) for span in ours}
    assert {("payment", "webhook cardsim"), ("order", "work captured"), ("notification", "work send")} <= names
    (root,) = [span for span in ours if parent_of(span) not in by_id]
    assert named(root) == ("gateway", "POST order")

    (webhook,) = {span for span in ours if named(span) == ("payment", "webhook cardsim")}
    (link,) = webhook.links
    (delivery,) = [span for span in every if id_of(span) == link.context.span_id]
    assert named(delivery) == ("payment", "POST receive_payment_webhook")
    worked = {id_of(span) for span in ours if span.name.startswith("work ")}
    linked = {link.context.span_id for span in every if span.name == "work batch" for link in span.links}
    assert worked
    assert worked <= linked


async def test_what_is_traced_shows_nothing_personal(shop: OpenShop, spans: InMemorySpanExporter) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    await customer.checkout()
    await customer.get("/orders?search=Market")
    await shop.quiet()
    told = " ".join(span.to_json() for span in spans.get_finished_spans())
    for secret in ("tok_success", "Market", "+254700000001", "@soko.example", "Bearer"):
        assert secret not in told


async def test_without_a_collector_no_event_keeps_a_trace(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    order = (await customer.checkout()).json()
    pool = shop.shop.services["order"].database.pool
    sql = "select bool_or(meta ? 'traceparent') from events where stream = $1"
    assert await pool.fetchval(sql, f"order-{order['id']}") is False
