"""The network that the faults are played on does what its name says, and only to whom it is told."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from wires import SLOW_SECONDS, Condition, Wire

ME, SOMEBODY = "me", "somebody"
SHORT = 0.2


@asynccontextmanager
async def wired() -> AsyncIterator[Wire]:
    """A wire to a server that answers each line with the same line. This process is ``ME``."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    wire = Wire(server.sockets[0].getsockname()[1], lambda: {1: SOMEBODY, os.getpid(): ME})
    await wire.start()
    try:
        yield wire
    finally:
        await wire.stop()
        server.close()


class Line:
    """A connection through the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def through(cls, wire: Wire) -> "Line":
        return cls(*await asyncio.open_connection("127.0.0.1", wire.port))

    async def ask(self) -> bytes:
        """What comes back; nothing when the line is broken."""
        try:
            self._writer.write(b"hello\n")
            return await self._reader.readline()
        except OSError:
            return b""


async def test_a_cut_breaks_what_is_open_and_lets_nothing_open_until_it_is_over() -> None:
    async with wired() as wire:
        line = await Line.through(wire)
        assert await line.ask() == b"hello\n"
        async with wire.suffering("cut", ME):
            assert await line.ask() == b""
            assert await (await Line.through(wire)).ask() == b""
        assert await (await Line.through(wire)).ask() == b"hello\n"


async def test_silence_breaks_nothing_and_what_was_said_arrives_when_it_is_over() -> None:
    async with wired() as wire:
        line = await Line.through(wire)
        assert await line.ask() == b"hello\n"
        async with wire.suffering("silent", ME):
            waiting = [asyncio.create_task(line.ask()), asyncio.create_task((await Line.through(wire)).ask())]
            assert not (await asyncio.wait(waiting, timeout=SHORT))[0]
        assert await asyncio.gather(*waiting) == [b"hello\n"] * 2


async def test_slow_is_slow_both_ways() -> None:
    async with wired() as wire:
        line = await Line.through(wire)
        async with wire.suffering("slow", ME):
            began = monotonic()
            assert await line.ask() == b"hello\n"
            assert monotonic() - began >= 2 * SLOW_SECONDS


async def test_of_two_faults_the_longer_stays_when_the_shorter_is_over() -> None:
    async with wired() as wire:
        line = await Line.through(wire)
        async with wire.suffering("slow", ME):
            async with wire.suffering("slow", ME):
                pass
            began = monotonic()
            assert await line.ask() == b"hello\n"
            assert monotonic() - began >= 2 * SLOW_SECONDS


@pytest.mark.parametrize("condition", ["cut", "silent", "slow"])
async def test_nobody_else_notices(condition: Condition) -> None:
    async with wired() as wire:
        line = await Line.through(wire)
        async with wire.suffering(condition, SOMEBODY):
            began = monotonic()
            assert await line.ask() == await (await Line.through(wire)).ask() == b"hello\n"
            assert monotonic() - began < 2 * SLOW_SECONDS
