"""From a queue into a service's inbox: one store in flight, and only what is stored is acked."""

import asyncio
import contextlib
from collections.abc import Sequence

import asyncpg
import structlog
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from soko_contracts import Envelope

from chassis.courier import Receive

FIRST_RETRY = 0.1
LAST_RETRY = 5.0

log = structlog.get_logger(__name__)


class Intake:
    """Takes a service's messages as they are delivered and stores all that wait in one go.

    While the inbox cannot be written, messages stay unacknowledged and the store is tried again: nothing is requeued.
    What cannot be decoded, or holds a value that PostgreSQL cannot, is rejected, which moves it to the dead letters.
    """

    def __init__(self, subscriber: str, receive: Receive) -> None:
        self.subscriber = subscriber
        self._receive = receive
        self._waiting: list[AbstractIncomingMessage] = []
        self._arrived = asyncio.Event()
        self._storing = asyncio.Lock()
        self._channel: object = None
        self._settled = 0

    async def take(self, message: AbstractIncomingMessage) -> None:
        """A delivery; returns at once."""
        channel = _channel(message)
        if channel is not self._channel:
            self._channel, self._settled = channel, 0
        self._waiting.append(message)
        self._arrived.set()

    async def run(self) -> None:
        """Store what comes, until cancelled."""
        while True:
            await self._arrived.wait()
            await self.flush()

    async def flush(self) -> None:
        """Store and ack all that waits."""
        async with self._storing:
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            if not batch:
                return
            await self._store(await self._decoded(batch))
            await self._ack(batch)

    async def _decoded(
        self, batch: Sequence[AbstractIncomingMessage]
    ) -> list[tuple[AbstractIncomingMessage, Envelope]]:
        decoded = []
        for message in batch:
            headers = {name: str(value) for name, value in message.headers.items()}
            try:
                decoded.append((message, Envelope.parse(headers, message.body)))
            except ValueError as error:
                await self._reject(message, error)
        return decoded

    async def _store(self, taken: Sequence[tuple[AbstractIncomingMessage, Envelope]]) -> None:
        delay = FIRST_RETRY
        while taken:
            try:
                await self._receive([envelope for _, envelope in taken])
                return
            except asyncpg.DataError as error:
                # Trying again cannot help: find the one that PostgreSQL refuses. Storing the others twice is harmless.
                if len(taken) == 1:
                    await self._reject(taken[0][0], error)
                    return
                for one in taken:
                    await self._store([one])
                return
            except Exception as error:
                log.warning("inbox_not_writable", service=self.subscriber, error=str(error), again_in=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)

    async def _ack(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        """Ack with one frame where the batch is all that was delivered since the last one, else one by one.

        A channel that closed meanwhile delivers again what it had not acked, and the inbox knows it by its id.
        """
        current = [message for message in batch if _channel(message) is self._channel]
        tags = [message.delivery_tag for message in current]
        stored = [message for message in current if not message.processed]
        complete = tags == list(range(self._settled + 1, self._settled + 1 + len(tags)))
        with contextlib.suppress(AMQPError, ChannelInvalidStateError):
            if complete and stored:
                await stored[-1].ack(multiple=True)
            else:
                for message in stored:
                    await message.ack()
        self._settled = max([self._settled, *(tag for tag in tags if tag)])

    async def _reject(self, message: AbstractIncomingMessage, error: Exception) -> None:
        log.error("undecodable_message", service=self.subscriber, message_id=message.message_id, error=str(error))
        with contextlib.suppress(AMQPError, ChannelInvalidStateError):
            await message.reject(requeue=False)


def _channel(message: AbstractIncomingMessage) -> object:
    """The channel that ``message`` came by, None when it has closed."""
    try:
        return message.channel
    except ChannelInvalidStateError:
        return None
