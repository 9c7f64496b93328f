"""Asking a provider over HTTP within bounds: so many seconds, so many bytes, and nobody but whom was asked."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx
import orjson

WITHIN: Final = 10.0
"""Seconds for a whole answer: somebody waits for it in their browser."""
MOST: Final = 256 * 1024
"""Bytes of an answer."""


class Away(Exception):
    """The provider gave no answer that is one. Says why, and nothing of what was sent."""


class Asker:
    """One client for all providers, opened at first use. No redirect is followed: answers come from who was asked."""

    def __init__(self) -> None:
        self.within = WITHIN
        self._client: httpx.AsyncClient | None = None

    async def json(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """The status, below 500, and the JSON object that came with it. Raises Away."""
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False)
        # Packed, a small answer could hold a large one.
        told = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            async with (
                asyncio.timeout(self.within),
                self._client.stream(method, url, headers=told, data=form, auth=auth) as answer,
            ):
                body = await _bounded(answer)
        except TimeoutError:
            raise Away(f"no answer within {self.within:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Away(f"{type(error).__name__} on the way") from error
        if answer.status_code >= 500 or answer.is_redirect:
            raise Away(f"it answers {answer.status_code}")
        try:
            found = orjson.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Away(f"it answers {answer.status_code} and no JSON object")
        return answer.status_code, found

    async def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.aclose()


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > MOST:
            raise Away(f"an answer of more than {MOST} bytes")
    return bytes(body)
