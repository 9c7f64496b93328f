"""What FastStream runs around each delivery: it is counted and, where somebody collects spans, told as one.

FastStream's own middleware for Prometheus took 50 µs a message here, 40% of what a message may cost in all; this one
keeps its counters at hand.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from faststream import BaseMiddleware

from chassis import telemetry
from chassis.metrics import DELIVERED


class Counting(BaseMiddleware[Any, AbstractIncomingMessage]):
    """Counts deliveries by message type, and whether they came before."""

    async def on_receive(self) -> None:
        _counter(self.msg.routing_key or "", bool(self.msg.redelivered))()


@cache
def _counter(type_: str, redelivered: bool) -> Callable[[], None]:
    """Only types that a queue is bound to arrive: there are as many of these as contracts."""
    return DELIVERED.labels(type_, str(redelivered).lower()).inc


def middlewares(service: str) -> Sequence[Any]:
    """Those of a consumer. ``service`` is whose spans they are."""
    if telemetry.tracing is None:
        return [Counting]
    from faststream.rabbit.opentelemetry import RabbitTelemetryMiddleware

    return [Counting, RabbitTelemetryMiddleware(tracer_provider=telemetry.tracing.provider(service))]
