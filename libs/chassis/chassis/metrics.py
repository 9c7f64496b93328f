"""What operators watch, for Prometheus: one registry a process, on a port of its own, never through the gateway."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from functools import cache
from threading import Thread
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from soko_contracts import Envelope

REGISTRY: Final = CollectorRegistry()
"""The process's. Tests may look at it; nothing registers elsewhere."""

GCCollector(REGISTRY)
PlatformCollector(REGISTRY)
ProcessCollector(registry=REGISTRY)

_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)

OUTBOX_AGE: Final = Gauge(
    "soko_outbox_age_seconds", "Age of the oldest message not yet sent; 0 when all are.", ["service"], registry=REGISTRY
)
INBOX_DEPTH: Final = Gauge(
    "soko_inbox_depth", "Messages received and not yet worked on, parked ones left out.", ["service"], registry=REGISTRY
)
INBOX_AGE: Final = Gauge(
    "soko_inbox_age_seconds", "Age of the oldest message in the inbox; 0 when empty.", ["service"], registry=REGISTRY
)
PARKED: Final = Gauge("soko_parked", "Messages parked after their last try.", ["service"], registry=REGISTRY)
SAGA_AGE: Final = Gauge(
    "soko_saga_age_seconds",
    "Age of the oldest process not yet settled, by process.",
    ["service", "saga"],
    registry=REGISTRY,
)
HANDLER_SECONDS: Final = Histogram(
    "soko_handler_seconds",
    "Time of a batch of the inbox (batch), of one call (call <name>), of one job (job <name>).",
    ["service", "handler"],
    buckets=_FAST,
    registry=REGISTRY,
)
HANDLED: Final = Counter(
    "soko_handled_total",
    "Messages, timers, calls and jobs by outcome.",
    ["service", "handler", "outcome"],
    registry=REGISTRY,
)
MESSAGES: Final = Counter(
    "soko_messages_total",
    "Messages that left the outbox (sent) or arrived for the inbox (received, those seen before too).",
    ["service", "direction", "type"],
    registry=REGISTRY,
)
DELIVERED: Final = Counter(
    "soko_rabbit_delivered_total", "Deliveries by RabbitMQ.", ["type", "redelivered"], registry=REGISTRY
)
HTTP_SECONDS: Final = Histogram(
    "soko_http_seconds",
    "Time from request to the start of its answer; of the gateway to its end, by the service that answered.",
    ["service", "operation", "status"],
    buckets=_FAST,
    registry=REGISTRY,
)


@cache
def answered(service: str, operation: str, status: int) -> Callable[[float], None]:
    """What takes the seconds of such an answer: looked up once, for there are few and each is given often."""
    return HTTP_SECONDS.labels(service, operation, str(status)).observe


def count(service: str, direction: str, envelopes: Iterable[Envelope]) -> None:
    """Messages were ``sent`` or ``received``: together, one look at a counter for each type."""
    for type_, number in Tally(envelope.type for envelope in envelopes).items():
        _messages(service, direction, type_).inc(number)


@cache
def _messages(service: str, direction: str, type_: str) -> Counter:
    return MESSAGES.labels(service, direction, type_)


def handled(service: str, handler: str, outcome: str, seconds: float) -> None:
    """A call or job took so long and ``finished`` or ``failed``."""
    HANDLER_SECONDS.labels(service, handler).observe(seconds)
    HANDLED.labels(service, handler, outcome).inc()


def serve(port: int, host: str = "127.0.0.1") -> tuple[WSGIServer, Thread]:
    """Answer ``/metrics`` on its own port, in a thread; ``stop`` ends it. Raises ``OSError`` on a taken port."""
    return start_http_server(port, host, REGISTRY)


def stop(running: tuple[WSGIServer, Thread]) -> None:
    """End what ``serve`` began."""
    server, thread = running
    server.shutdown()
    server.server_close()
    thread.join()
