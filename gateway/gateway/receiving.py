"""A body on its way in, counted."""

from starlette.types import Message, Receive

from gateway.answering import Answering


class Counted:
    """The ``receive`` for a body that does not say how long it is.

    Beyond ``most`` bytes the service is told that the client has gone, and what it answers then is not sent.
    """

    def __init__(self, receive: Receive, most: int, answering: Answering) -> None:
        self._receive, self._left, self._answering = receive, most, answering

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0 and not self._answering.started:
                self._answering.forbidden = True
            if self._answering.forbidden:
                return {"type": "http.disconnect"}
        return message
