"""Where a piece of work comes from: carried from the request through every message it leads to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """One request or message at work.

    ``correlationid`` names the whole story (one checkout), ``causationid`` the request or message that led here.
    ``traceparent`` is W3C trace context, where there is one.
    """

    request_id: str
    correlationid: str
    causationid: str
    traceparent: str | None = None
