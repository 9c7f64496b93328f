"""What FastStream's middleware tells of deliveries, on a real RabbitMQ."""

from collections.abc import Sequence

import pytest
from chassis import telemetry
from chassis.fixtures import until
from chassis.metrics import REGISTRY
from chassis.rabbit import RabbitCourier, Topology, declare
from chassis.servers.rabbit_for_tests import Broker
from chassis.tracing import Tracing
from envelopes import EVENT, envelope
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from soko_contracts import Envelope

TRACE = "5f2b8f0c0e1d4c6b9a7d3e2f1a0b9c8d"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def sent_and_received(rabbit: Broker, topology: Topology, count: int) -> list[Envelope]:
    """Messages that went over the broker, as they arrived."""
    arrived: list[Envelope] = []

    async def receive(envelopes: Sequence[Envelope]) -> None:
        arrived.extend(envelopes)

    async def all_there() -> bool:
        return len(arrived) >= count

    await declare(rabbit.url, {"cart": [EVENT]}, topology)
    courier = RabbitCourier(rabbit.url, topology)
    courier.subscribe("cart", [EVENT], receive)
    await courier.start()
    try:
        with telemetry.messages(
            "order", "send", [envelope(n, traceparent=TRACEPARENT) for n in range(count)]
        ) as envelopes:
            await courier.send(envelopes)
        await until(all_there)
    finally:
        await courier.stop()
    return arrived


def delivered() -> float:
    return REGISTRY.get_sample_value("soko_rabbit_delivered_total", {"type": EVENT, "redelivered": "false"}) or 0


async def test_deliveries_are_counted_by_type(rabbit: Broker, topology: Topology) -> None:
    before = delivered()
    await sent_and_received(rabbit, topology, 3)
    assert delivered() == before + 3


async def test_a_delivery_goes_on_the_trace_of_the_message(
    rabbit: Broker, topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = InMemorySpanExporter()
    monkeypatch.setattr(telemetry, "tracing", Tracing(SimpleSpanProcessor(kept)))
    (arrived,) = await sent_and_received(rabbit, topology, 1)
    assert arrived.traceparent is not None
    assert arrived.traceparent.split("-")[1] == TRACE

    async def processed() -> ReadableSpan | None:
        return next((span for span in kept.get_finished_spans() if span.name.endswith(" process")), None)

    delivery: ReadableSpan = await until(processed)
    (sending,) = [span for span in kept.get_finished_spans() if span.name == f"send {EVENT}"]
    assert delivery.name == f"{topology.exchange('event').name}.{EVENT} process"
    assert delivery.parent is not None
    assert sending.context is not None
    assert (delivery.parent.span_id, delivery.parent.trace_id) == (sending.context.span_id, int(TRACE, 16))
    assert delivery.resource.attributes["service.name"] == "cart"
