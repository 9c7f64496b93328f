"""Traces: one purchase as one trace over requests, messages and calls, where a collector is named for them.

``OTEL_EXPORTER_OTLP_ENDPOINT`` names it. Without it nothing of OpenTelemetry is imported, and each hook here costs a
look at ``tracing``. What goes on from step to step is the ``traceparent`` of ``Context``, envelopes and events: a span
puts its own in place of the one it came with.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from soko_contracts import Envelope

from chassis.context import Context

if TYPE_CHECKING:
    from chassis.service import Service
    from chassis.tracing import Span, Tracing

tracing: "Tracing | None" = None
"""What makes spans; None: nobody collects them."""

OF_STREAMS = """
select distinct on (stream) stream, meta->>'traceparent' as traceparent from events
where stream = any($1::text[]) and meta ? 'traceparent' order by stream, version desc
"""


def start(endpoint: str) -> None:
    """Trace from now on, and send what is traced to the collector at ``endpoint``; empty: do not."""
    if endpoint and tracing is None:
        from chassis.tracing import exporting

        use(exporting())


def use(made: "Tracing | None") -> None:
    """Trace with this; None: no more."""
    global tracing
    tracing = made


def stop() -> None:
    """Send what is left, and trace no more."""
    if tracing is not None:
        tracing.stop()
        use(None)


@contextmanager
def span(
    service: str, name: str, parent: str | None, kind: str = "", *, links: Sequence[str | None] = (), **attributes: Any
) -> Iterator["Span | None"]:
    """One step of ``service``; ``parent`` and ``links`` are traceparents. None while nobody collects."""
    if tracing is None:
        yield None
        return
    with tracing.begin(service, name, parent, kind, attributes=attributes, links=links) as begun:
        yield begun


@contextmanager
def messages(service: str, step: str, envelopes: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
    """A step (``send``, ``receive``) that all these messages take together: each goes on from its own span."""
    if tracing is None:
        yield envelopes
        return
    begun = [
        tracing.begin(service, f"{step} {each.type}", each.traceparent, step, attributes=_about(each))
        for each in envelopes
    ]
    try:
        yield [replace(each, traceparent=span.traceparent) for each, span in zip(envelopes, begun, strict=True)]
    except BaseException as error:
        for span in begun:
            span.fail(error)
        raise
    finally:
        for span in begun:
            span.end()


class Working:
    """A batch of the inbox: a span for it, linked to one for each message, which goes on the message's own trace.

    A batch that is decided again, because another writer was first, begins new ones; those of the lost round are never
    ended, so nobody sees them.
    """

    def __init__(self, tracing: "Tracing", service: str, claimed: Collection[Any]) -> None:
        self._spans = {}
        for one in claimed:
            name, row = f"work {one.row['subscription']}", one.row
            about = {"soko.correlation_id": row["correlationid"], "messaging.message.id": row["message_id"]}
            span = tracing.begin(service, name, row["traceparent"], attributes=about | {"soko.tries": row["tries"]})
            one.traceparent = span.traceparent
            self._spans[id(one)] = span
        links = [span.traceparent for span in self._spans.values()]
        self._batch = tracing.begin(service, "work batch", None, attributes={"soko.messages": len(links)}, links=links)

    def written(self, finished: Collection[Any], failed: Collection[Any]) -> None:
        """All is committed. Who waits behind one that failed has not been worked on."""
        for one in failed:
            self._spans[id(one)].fail(one.error)
        for one in (*finished, *failed):
            self._spans[id(one)].end()
        self._batch.end()


def working(service: str, claimed: Collection[Any]) -> Working | None:
    """Spans for inbox rows at work; each row's effects go on from its own."""
    return Working(tracing, service, claimed) if tracing is not None else None


async def of_streams(service: "Service", streams: Collection[str]) -> Mapping[str, str]:
    """The trace that last moved each stream; empty while nobody collects."""
    if tracing is None:
        return {}
    rows = await service.database.pool.fetch(OF_STREAMS, list(streams))
    return {row["stream"]: row["traceparent"] for row in rows}


@contextmanager
def going_on(service: str, name: str, context: Context, trace: str | None) -> Iterator[Context]:
    """What ``context`` brings, news of an older story, goes on in that story's ``trace``, linked to where it came."""
    links = [context.traceparent] if trace else []
    with span(service, name, trace or context.traceparent, links=links) as begun:
        yield context if begun is None else replace(context, traceparent=begun.traceparent)


def _about(envelope: Envelope) -> Mapping[str, Any]:
    return {
        "messaging.message.id": envelope.id,
        "soko.correlation_id": envelope.correlationid,
        "soko.subject": envelope.subject,
    }
