"""Addresses among the settings: what is none is refused by the line that says how one looks.

Never by its own text where there may be a password in it.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

_NUMBER: Final = re.compile("[0-9]{1,5}")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\],]+)(:[0-9]+)?")


def url(given: str, schemes: Sequence[str], example: str) -> str:
    """``given``, if it is empty or has one of these schemes, a host, and a port if any. Raises ``ValueError``."""
    if given and not _leads_somewhere(given, schemes):
        raise ValueError(f"must be an address such as {example}")
    return given


def origin(given: str, example: str = "https://shop.example") -> str:
    """``given`` without a slash at its end, if it is empty or a website's address with nothing behind its host."""
    given = given.rstrip("/")
    if (url(given, ("http", "https"), example) and given.count("/") > 2) or set(given) & set("?#@"):
        raise ValueError(f"must be an address such as {example}, with nothing behind it")
    return given


def origins(given: str) -> str:
    """The same of several with commas between; ``*`` is any."""
    listed = [each.strip() for each in given.split(",") if each.strip()]
    return ",".join(each if each == "*" else origin(each) for each in listed)


def redis(given: str, example: str = "redis://user:password@host:6379/0") -> str:
    """``given``, if it is empty or names a Redis: a database by its number, no option that its client does not know."""
    if not url(given, ("redis", "rediss"), example):
        return given
    from chassis.redis import connect

    database = urlsplit(given).path.removeprefix("/")
    try:
        connect(given)
    except (ValueError, TypeError):
        database = "none"
    if database and not _NUMBER.fullmatch(database):
        raise ValueError(f"must be an address such as {example}")
    return given


def _leads_somewhere(given: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(given)
        well = parts.port is None or parts.port > 0
    except ValueError:
        return False
    host = parts.netloc.rpartition("@")[2]
    # PostgreSQL's own way to name a socket, or several servers.
    elsewhere = not host and "host=" in parts.query
    return well and parts.scheme in schemes and (elsewhere or _HOST.fullmatch(host) is not None)
