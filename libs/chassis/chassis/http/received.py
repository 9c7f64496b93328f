"""A request as our routes read it."""

import re
from typing import Any, Final

import pydantic_core
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from chassis.http.problems import MALFORMED, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, Problem, invalid, pointer

NUL: Final = "must not contain the character U+0000"
_JSON = re.compile(r"\s*application/([\w.+-]+\+)?json\s*(;|$)", re.IGNORECASE)


class _Headers(Headers):
    """Found by name at once: Starlette's own walks over all of them for each that is asked for."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in self._list:
            self._values.setdefault(name, []).append(value)

    def getlist(self, key: str) -> list[str]:
        found = self._values.get(key.lower().encode("latin-1"), ())
        return [value.decode("latin-1") for value in found]

    def get(self, key: str, default: Any = None) -> Any:
        found = self._values.get(key.lower().encode("latin-1"))
        return default if found is None else found[0].decode("latin-1")

    def __getitem__(self, key: str) -> str:
        return self._values[key.lower().encode("latin-1")][0].decode("latin-1")


class Received(Request):
    """A request whose body has a limit and whose JSON is read strictly."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int, has_json: bool) -> None:
        super().__init__(scope, receive, send)
        self._limit, self._has_json = limit, has_json
        self._headers = _Headers(scope)

    async def stream(self) -> Any:
        self._check_length()
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > self._limit:
                raise self._too_large()
            yield chunk

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            body = await self._whole()
            if body and self._has_json and not _JSON.match(self.headers.get("content-type", "")):
                raise Problem(UNSUPPORTED_MEDIA_TYPE, "The body must be JSON, with Content-Type: application/json.")
            if body and self._has_json and self.headers.get("content-encoding", "identity").lower() != "identity":
                raise Problem(UNSUPPORTED_MEDIA_TYPE, "The body must come as it is: nothing is unpacked here.")
            self._body = body
        return self._body

    async def _whole(self) -> bytes:
        """All of it: mostly it comes in one piece."""
        self._check_length()
        pieces, size, more = list[bytes](), 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Problem(MALFORMED, "The body broke off.")
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > self._limit:
                raise self._too_large()
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_length(self) -> None:
        declared = self.headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._limit:
            raise self._too_large()

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = pydantic_core.from_json(body, allow_inf_nan=False)
            except ValueError as error:
                raise Problem(MALFORMED, f"The body is not JSON: {error}.") from None
            if b"\\u0000" in body:
                _refuse_nul(self._json, "")
        return self._json

    def _too_large(self) -> Problem:
        return Problem(TOO_LARGE, f"The body may have at most {self._limit} bytes.", limit=self._limit)


def _refuse_nul(value: Any, at: str) -> None:
    """PostgreSQL's text cannot hold U+0000."""
    if isinstance(value, str) and "\0" in value:
        raise invalid(at, NUL)
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_nul(key, at)
            _refuse_nul(inner, at + pointer(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_nul(inner, at + pointer(index))
