"""Structured logs: one line an event, with the ids of the request or message at work, and no secrets.

JSON lines everywhere but in development, where they are for reading. The standard library's loggers (uvicorn, aiohttp,
asyncio) go the same way.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO

import orjson
import structlog

from chassis.context import Context

MASK: Final = "***"

# `key` alone names idempotency and partition keys, which a reader of logs needs.
_SECRET_NAME: Final = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key|internal_key|private|signature|otp|totp|card_?number"
    r"|cvc|cvv|verification_code|^code$|(^|_)pin$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = re.compile(
    r"(?P<jwt>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
    r"|(?P<bearer>(?i:bearer)\s+)[\w.~+/=-]{8,}"
    # Who knows such a path may report there.
    r"|(?P<path>/reports/[\w-]+/)[^\s/?\"']+"
    r"|(?P<login>://[^\s:/@]+:)[^\s@]+(?=@)"
    # PostgreSQL's DETAIL names the values of a unique key, an e-mail address say, or all of a row.
    r"|(?P<row>Key \(.+?\)=\().+?(?=\) (?:already|is |conflicts))"
    r"|(?P<failing>Failing row contains \()[^\n]+"
    r"|(?P<argument>for query argument \$\d+: )[^\n]+"
    # Pydantic's errors show what they were given.
    r"|(?P<input>input_value=).+?(?=, input_type=)"
    r"|[\w.%+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w+])\+[1-9]\d{7,14}\b"
)
_KEPT: Final = ("bearer", "path", "login", "row", "failing", "argument", "input")
"""What stands before the secret and says what it was."""

_QUIET: Final = {
    "uvicorn.access": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    # A line a request, with its whole URL.
    "httpx": logging.WARNING,
    "asyncio": logging.WARNING,
    # Their every try to reconnect; the courier says once that the broker is away, and once that it is back.
    "aiormq": logging.CRITICAL,
    "aio_pika": logging.CRITICAL,
}

Event = MutableMapping[str, Any]


def configure(env: str, service: str | None = None, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging for the process. ``service`` stands on every line; in one process each line binds its own."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _named(service),
        structlog.processors.StackInfoRenderer(),
    ]
    render: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=_json)
    if env == "development":
        # Pretty tracebacks would show local variables, and with them what must not be seen.
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask,
        render,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()], processors=last)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))


@contextmanager
def working_on(context: Context, **more: Any) -> Iterator[None]:
    """Every line logged inside carries the ids of ``context``, and ``more``."""
    with structlog.contextvars.bound_contextvars(
        request_id=context.request_id,
        correlationid=context.correlationid,
        causationid=context.causationid,
        **more,
    ):
        yield


def mask(logger: Any, method: str, event: Event) -> Event:
    """Blank what is named like a secret, and what looks like one inside texts; at any depth."""
    for name, value in event.items():
        event[name] = _masked(name, value)
    return event


def _masked(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAME.search(name):
        return MASK
    if isinstance(value, str):
        return blanked(value)
    if isinstance(value, Mapping):
        return {key: _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_masked(name, inner) for inner in value]
    return value


def blanked(text: str) -> str:
    """``text`` without the secrets, addresses and phone numbers that can be told by their looks."""
    return _SECRET_TEXT.sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    return next((kept for name in _KEPT if (kept := found[name])), "") + MASK


def _named(service: str | None) -> structlog.typing.Processor:
    def add(logger: Any, method: str, event: Event) -> Event:
        if service is not None:
            event.setdefault("service", service)
        return event

    return add


def _json(event: Any, **options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
