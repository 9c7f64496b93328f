"""A shop in processes, servers it does not own, a network between them, and whatever can go wrong with all three."""

import asyncio
import os
import shutil
import signal
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from backing import BackingServers
from chassis.fixtures import until
from killing import RunningShop, new_home
from schedule import SERVERS, Fault
from soko.services import PROCESSES
from wires import Condition, Wire
from yarl import URL

COMES_BACK_WITHIN = 120
CONDITIONS: dict[str, Condition] = {"cut off": "cut", "silent": "silent", "slow": "slow"}


@dataclass
class Rig:
    """Everything that a fault can be done to."""

    shop: RunningShop
    servers: BackingServers
    wires: dict[str, Wire]

    def pid_of(self, name: str) -> int | None:
        """A service's, a server's, or the supervisor's process, while it lives."""
        if name in SERVERS:
            pid: int | None = self.servers.state()[name]["pid"]
            return pid
        return self.shop.pid_of(name)

    async def keep(self) -> None:
        """Start the shop again whenever it ends, as an init system does; until cancelled."""
        while True:
            if self.shop.process.poll() is not None:
                self.shop.start_again()
            await asyncio.sleep(0.5)

    async def suffer(self, faults: Iterable[Fault], told: Callable[[str], None]) -> None:
        """Let ``faults`` happen, each at its time, and see each over."""
        async with asyncio.TaskGroup() as all_of_them:
            for fault in faults:
                all_of_them.create_task(self._happen(fault, told))

    async def _happen(self, fault: Fault, told: Callable[[str], None]) -> None:
        await asyncio.sleep(fault.at)
        told(str(fault))
        kind, victim = fault.kind, fault.victim
        match kind:
            case "kill":
                await self._signal(victim, signal.SIGKILL)
            case "kill without its database":
                async with self.wires["database"].suffering("cut", victim):
                    await asyncio.sleep(fault.seconds / 2)
                    await self._signal(victim, signal.SIGKILL)
                    await asyncio.sleep(fault.seconds / 2)
            case "restart the broker":
                await self._signal(victim, signal.SIGTERM)
            case "restart the database":
                await self._signal(victim, signal.SIGINT)
            case "restart one after the other":
                for name in PROCESSES:
                    await self._restart(name)
            case _:
                async with self._lasting(kind, victim):
                    await asyncio.sleep(fault.seconds)
        told(f"{'':8}  over: {kind}: {victim}")

    @asynccontextmanager
    async def _lasting(self, kind: str, victim: str) -> AsyncIterator[None]:
        match kind:
            case "freeze":
                pid = await self._signal(victim, signal.SIGSTOP)
                try:
                    yield
                finally:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
            case "disk full":
                await asyncio.to_thread(self.servers.fill_disk)
                try:
                    yield
                finally:
                    self.servers.free_disk()
            case _:
                server, _, condition = kind.partition(" ")
                async with self.wires[server].suffering(CONDITIONS[condition], victim):
                    yield

    async def _signal(self, name: str, number: signal.Signals) -> int:
        """Send ``number`` to what runs under ``name``, once something does; its process id."""

        async def sent() -> int:
            pid = self.pid_of(name)
            try:
                if pid:
                    os.kill(pid, number)
            except ProcessLookupError:
                return 0
            return pid or 0

        pid: int = await until(sent, COMES_BACK_WITHIN)
        return pid

    async def _restart(self, name: str) -> None:
        """SIGTERM, and wait until its successor says that it is ready."""
        old = await self._signal(name, signal.SIGTERM)

        async def ready() -> bool:
            successor = [one for one in self.shop.children() if one["name"] == name and one["pid"] not in (None, old)]
            return bool(successor) and await asyncio.to_thread(says_ready, successor[0]["port"])

        await until(ready, COMES_BACK_WITHIN)


def says_ready(port: int) -> bool:
    """Whether the process there answers that it can serve."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """A shop that opens, in a folder that is gone afterwards unless something went wrong."""
    home = new_home("soko-faults-")
    servers = BackingServers.start(home)
    wires: dict[str, Wire] = {}
    shop: RunningShop | None = None

    def processes() -> dict[int, str]:
        return {child["pid"]: child["name"] for child in shop.children() if child["pid"]} if shop else {}

    try:
        await servers.there()
        through = {}
        for short, name in (("database", "postgresql"), ("broker", "rabbitmq")):
            wires[short] = Wire(servers.state()[name]["port"], processes)
            await wires[short].start()
            through[short] = str(URL(servers.state()[name]["url"]).with_port(wires[short].port))
        shop = RunningShop.start("processes", home, DATABASE_URL=through["database"], RABBITMQ_URL=through["broker"])
        shop.server = servers.state()["postgresql"]["url"]
        yield Rig(shop, servers, wires)
    except BaseException:
        print((home / "shop.log").read_text()[-5000:], (home / "backing.log").read_text()[-3000:], sep="\n")
        print(f"All of it is in {home}")
        raise
    finally:
        if shop and shop.process.poll() is None:
            await asyncio.to_thread(shop.stop)
        for wire in wires.values():
            await wire.stop()
        await servers.stop()
    shutil.rmtree(home, ignore_errors=True)
