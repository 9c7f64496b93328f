"""What OAuth's routes read: forms and queries in which nothing may stand twice."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from identity.openid.oauth import InvalidRequestError

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 50


async def form_of(request: Request) -> dict[str, str]:
    """The fields of the body. What is empty counts as left out (RFC 6749, 3.1). Raises ``InvalidRequestError``."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidRequestError(f"The body must be {FORM}.")
    try:
        pairs = parse_qsl((await request.body()).decode(), errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidRequestError("The body is no form.") from None
    return once_each(pairs)


def once_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The same as a dictionary. Raises ``InvalidRequestError`` on a name that comes twice, or text nobody can keep."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequestError("A parameter stands there twice.")
        if "\0" in value:
            raise InvalidRequestError("A parameter holds the character U+0000.")
        if value:
            found[name] = value
    return found
