import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from chassis import telemetry
from chassis.context import Context
from chassis.servers import child
from chassis.tracing import Tracing
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

TRACE = "5f2b8f0c0e1d4c6b9a7d3e2f1a0b9c8d"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"
CONTEXT = Context("r-1", "c-1", "r-1", PARENT)


class Collector(ThreadingHTTPServer):
    """Takes what is exported to it."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Taking)


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    telemetry.use(Tracing(SimpleSpanProcessor(kept)))
    yield kept
    telemetry.use(None)


def test_spans_reach_the_collector_that_the_environment_names(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry.start(endpoint)
    with telemetry.span("order", "work captured", PARENT):
        pass
    telemetry.stop()
    ((path, body),) = collector.got
    assert path == "/v1/traces"
    assert b"work captured" in body
    assert bytes.fromhex(TRACE) in body
    assert telemetry.tracing is None


def test_a_collector_that_is_away_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = f"http://127.0.0.1:{child.pick_port()}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry.start(endpoint)
    began = time.monotonic()
    with telemetry.span("order", "work captured", PARENT):
        pass
    telemetry.stop()
    assert time.monotonic() - began < 5


def test_without_a_collector_nothing_is_traced_and_nothing_of_it_loaded() -> None:
    telemetry.start("")
    assert telemetry.tracing is None
    with telemetry.span("order", "work captured", PARENT) as span:
        assert span is None
    with telemetry.messages("order", "send", []) as envelopes:
        assert envelopes == []
    with telemetry.going_on("payment", "webhook", CONTEXT, PARENT) as context:
        assert context is CONTEXT
    code = "import sys, chassis.main; print('opentelemetry.sdk' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_a_step_goes_on_the_trace_it_came_with_and_a_trace_that_is_not_sampled_stays_so(
    spans: InMemorySpanExporter,
) -> None:
    with telemetry.span("order", "one", PARENT) as span:
        assert span is not None
        assert span.traceparent.startswith(f"00-{TRACE}-")
        assert span.traceparent != PARENT
    with telemetry.span("order", "two", UNSAMPLED) as span:
        assert span is not None
        assert span.traceparent.endswith("-00")
    with telemetry.span("order", "three", "nonsense"):
        pass
    one, three = spans.get_finished_spans()
    assert (one.name, one.parent and f"{one.parent.span_id:016x}") == ("one", "00f067aa0ba902b7")
    assert (three.name, three.parent) == ("three", None)


def test_what_fails_says_so_without_secrets(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), telemetry.span("order", "one", PARENT):
        raise ValueError("no mail to somebody@soko.example")
    (span,) = spans.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError: no mail to ***")


def test_news_of_an_older_story_goes_on_in_it_and_is_linked_to_where_it_came(spans: InMemorySpanExporter) -> None:
    older = "00-00000000000000000000000000000001-0000000000000001-01"
    with telemetry.going_on("payment", "webhook", CONTEXT, older) as context:
        assert context.traceparent is not None
        assert context.traceparent.split("-")[1] == older.split("-")[1]
    (span,) = spans.get_finished_spans()
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]
