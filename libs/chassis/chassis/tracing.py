"""Spans by OpenTelemetry. Imported only where somebody collects them: see ``chassis.telemetry``."""

import re
from collections.abc import Callable, Iterable, Mapping
from threading import Timer
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chassis.logs import blanked

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
STOP_SECONDS: Final = 2.0
KINDS: Final = {
    "request": SpanKind.SERVER,
    "send": SpanKind.PRODUCER,
    "receive": SpanKind.CONSUMER,
    "call": SpanKind.CLIENT,
}


class Span:
    """One step. ``traceparent`` is what follows goes on from."""

    def __init__(self, inner: trace.Span) -> None:
        self._inner = inner
        own = inner.get_span_context()
        self.traceparent = f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None:
            self.fail(error)
        self.end()

    def fail(self, error: BaseException) -> None:
        """It came to nothing, because of this; secrets that errors quote are blanked."""
        self._inner.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {blanked(str(error))}"[:500]))

    def answered(self, name: str, status: int) -> None:
        """A request has its answer, from the operation ``name``."""
        self._inner.update_name(name)
        self._inner.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._inner.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """It is over."""
        self._inner.end()


class Tracing:
    """Makes spans for the services of this process and hands them to ``processor`` when they end.

    ``give_up`` ends an export that is under way: a collector that is away must not hold up a process that stops.
    """

    def __init__(self, processor: SpanProcessor, give_up: Callable[[], None] = lambda: None) -> None:
        self._processor, self._give_up = processor, give_up
        self._providers: dict[str, TracerProvider] = {}

    def provider(self, service: str) -> TracerProvider:
        """OpenTelemetry's own, for a service; one process may run several."""
        if service not in self._providers:
            resource = Resource.create({"service.name": service, "service.namespace": "soko"})
            made = self._providers[service] = TracerProvider(resource=resource, shutdown_on_exit=False)
            made.add_span_processor(self._processor)
        return self._providers[service]

    def begin(
        self,
        service: str,
        name: str,
        parent: str | None,
        kind: str = "",
        *,
        attributes: Mapping[str, Any] | None = None,
        links: Iterable[str | None] = (),
    ) -> Span:
        """A step that begins now: ``parent`` and ``links`` are traceparents, without a parent it begins a trace."""
        before = _read(parent)
        context = Context() if before is None else trace.set_span_in_context(NonRecordingSpan(before), Context())
        tracer = self.provider(service).get_tracer("chassis")
        known = [Link(found) for found in map(_read, links) if found is not None]
        return Span(
            tracer.start_span(
                name, context, KINDS.get(kind, SpanKind.INTERNAL), attributes=dict(attributes or {}), links=known
            )
        )

    def stop(self) -> None:
        """Send what is left, within ``STOP_SECONDS``."""
        giving_up = Timer(STOP_SECONDS, self._give_up)
        giving_up.start()
        self._processor.shutdown()
        giving_up.cancel()


def exporting() -> Tracing:
    """Spans for the collector that the standard variables (``OTEL_EXPORTER_OTLP_…``) name."""
    exporter = OTLPSpanExporter()
    return Tracing(BatchSpanProcessor(exporter), exporter.shutdown)


def _read(traceparent: str | None) -> SpanContext | None:
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    return SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(int(found[3], 16)))
