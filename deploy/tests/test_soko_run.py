"""The command as its users run it: in a process of its own, on a folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from chassis.servers import child
from chassis.servers.rabbit_for_tests import Broker

OPENS_WITHIN = 120
STOPS_WITHIN = 60
PUBLISHED_WITHIN = 90


@dataclass
class Soko:
    """The command on one folder and port."""

    home: Path
    port: int
    kind: str = "development"

    @property
    def environment(self) -> dict[str, str]:
        given = {"SOKO_HOME": str(self.home), "PORT": str(self.port), "DEMO_PRODUCTS": "5", "METRICS_PORT": "0"}
        return {**os.environ, **given, "SOKO_ENV": self.kind}

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "soko", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def say(self, *arguments: str) -> tuple[int, str]:
        """The exit code and what was printed."""
        process = self.begin(*arguments)
        printed, _ = process.communicate(timeout=OPENS_WITHIN)
        return process.returncode, printed

    def opened(self, process: "subprocess.Popen[str]") -> dict[str, object]:
        """Wait until the shop answers; what it says of its health."""
        until = time.monotonic() + OPENS_WITHIN
        while time.monotonic() < until:
            if process.poll() is not None:
                pytest.fail(f"the shop ended: {process.communicate()[0]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                    health: dict[str, object] = json.load(answer)
                    if health["status"] == "ready":
                        return health
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail("the shop did not open")

    @property
    def database_server(self) -> int:
        return int((self.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


def closed(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> str:
    """End a shop; what it printed."""
    process.send_signal(number)
    printed, _ = process.communicate(timeout=STOPS_WITHIN)
    return printed


@pytest.fixture(scope="module")
def soko(tmp_path_factory: pytest.TempPathFactory) -> Soko:
    return Soko(tmp_path_factory.mktemp("soko") / "home", child.pick_port())


@pytest.fixture(scope="module")
def shop(soko: Soko) -> Iterator[Soko]:
    """One that runs."""
    process = soko.begin("run")
    soko.opened(process)
    yield soko
    printed = closed(process)
    assert process.returncode == 0, printed
    assert "Traceback" not in printed
    assert f"The shop is open at http://127.0.0.1:{soko.port}" in printed


def test_another_shop_on_the_folder_is_one_clear_line(shop: Soko) -> None:
    code, printed = shop.say("run")
    assert code == 1
    assert printed.startswith(f"Another shop runs on {shop.home} (soko run, process ")
    assert printed.count("\n") == 1


def test_commands_look_into_the_running_shop(shop: Soko) -> None:
    assert shop.say("dead-letters", "list") == (0, "Nothing is parked.\n")
    assert "identity" in shop.say("jobs", "list")[1]
    assert shop.say("jobs", "run", "catalog", "sweep") == (0, "deleted 0 idempotency keys, 0 done, 0 seen\n")
    code, printed = shop.say("events", "inventory", "--newest", "2")
    assert (code, printed.count("\n")) == (0, 2)
    code, printed = shop.say("views", "rebuild", "inventory")
    assert code == 0
    assert "stock: " in printed
    assert "differed" not in printed


def test_what_is_not_there_is_one_clear_line(shop: Soko) -> None:
    assert shop.say("dead-letters", "replay", "order-message-1")[0] == 1
    code, printed = shop.say("events", "warehouse")
    assert (code, printed.splitlines()[0].partition(":")[0]) == (1, "There is no service 'warehouse'")
    assert "has no job 'dance'" in shop.say("jobs", "run", "catalog", "dance")[1]


def test_a_new_key_stands_beside_the_old_one_in_the_running_shop(shop: Soko) -> None:
    code, printed = shop.say("keys", "rotate")
    assert code == 0, printed
    assert shop.say("keys", "list") == (0, printed)
    names = [line.partition(" ")[0] for line in printed.splitlines()]
    assert len(names) == 2
    address = f"http://127.0.0.1:{shop.port}/.well-known/jwks.json"
    until = time.monotonic() + PUBLISHED_WITHIN
    while time.monotonic() < until:
        with urllib.request.urlopen(address, timeout=5) as answer:
            if [key["kid"] for key in json.load(answer)["keys"]] == names:
                return
        time.sleep(0.5)
    pytest.fail("the running shop did not publish the new key")


def test_a_client_is_made_shown_and_deleted(shop: Soko) -> None:
    app = ("clients", "create", "Kettle Club", "--scope", "openid", "--redirect-uri")
    code, printed = shop.say(*app, "http://club.example/callback")
    assert (code, printed.startswith("--redirect-uri: must be https://")) == (1, True), printed
    code, printed = shop.say("clients", "create", "Books", "--machine", "--scope", "everything")
    assert (code, printed.startswith("--scope: ")) == (1, True), printed
    code, printed = shop.say(*app, "https://club.example/callback")
    assert code == 0, printed
    told = dict(line.split() for line in printed.splitlines())
    code, listed = shop.say("clients", "list")
    assert (code, f"{told['client_id']}  Kettle Club" in listed, told["client_secret"] in listed) == (0, True, False)
    assert shop.say("clients", "delete", told["client_id"])[0] == 0
    assert told["client_id"] not in shop.say("clients", "list")[1]
    assert shop.say("clients", "delete", told["client_id"])[0] == 2


def test_an_administrator_is_made(shop: Soko) -> None:
    code, printed = shop.say("users", "create-admin", "boss@shop.example", "--password", "correct-horse-battery")
    assert code == 0, printed
    assert printed.startswith("boss@shop.example is an administrator")
    code, printed = shop.say("users", "create-admin", "boss@shop.example", "--password", "short")
    assert (code, "Traceback" in printed) == (1, False)


def test_seeding_again_makes_only_what_is_missing(shop: Soko) -> None:
    assert shop.say("seed", "users") == (0, "They are all there.\n")
    assert shop.say("seed", "catalog", "--products", "7")[1].endswith("Made 2 products.\n")


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, printed = Soko(tmp_path / "home", port).say("run")
    assert (code, printed) == (1, f"Port {port} on 127.0.0.1 is taken by another program: end it, or set PORT.\n")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PAYMENT_WINDOW", "soon", "PAYMENT_WINDOW: 'soon' is not a duration: write PT15M, or 900 for seconds\n"),
        ("SOKO_ENV", "prod", "SOKO_ENV: Input should be 'development', 'testing', 'staging' or 'production'\n"),
        ("RATE_LIMIT_USER", "lots", "RATE_LIMIT_USER: couldn't parse rate limit string 'lots'\n"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    soko = Soko(tmp_path / "home", child.pick_port(), kind=value if name == "SOKO_ENV" else "development")
    monkeypatch.setenv(name, value)
    assert soko.say("check") == (1, said)


def test_a_database_that_is_not_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:9/x")
    code, printed = Soko(tmp_path / "home", child.pick_port()).say("run")
    assert (code, "Traceback" in printed, "secret" in printed) == (1, False, False)
    assert "DATABASE_URL leads to 127.0.0.1:9: [Errno 111]" in printed


def test_a_shop_killed_with_its_database_server_opens_again(tmp_path: Path) -> None:
    soko = Soko(tmp_path / "home", child.pick_port())
    process = soko.begin("run")
    soko.opened(process)
    server = soko.database_server
    os.kill(server, signal.SIGKILL)
    assert child.wait_gone(server, STOPS_WITHIN)
    soko.opened(process)
    server = soko.database_server
    process.kill()
    process.communicate()
    assert child.wait_gone(server, STOPS_WITHIN), "the embedded server outlives its owner"
    process = soko.begin("run")
    soko.opened(process)
    assert soko.say("stop") == (0, "The shop is closed.\n")
    process.communicate(timeout=STOPS_WITHIN)
    assert soko.say("reset")[0] == 0
    assert not soko.home.exists()


def test_processes_are_kept_alive_and_end_with_their_supervisor(tmp_path: Path, rabbit: Broker) -> None:
    assert rabbit.url
    soko = Soko(tmp_path / "home", child.pick_port())
    process = soko.begin("processes", "--replicas", "catalog=2")

    def pids() -> dict[str, int]:
        return {each["name"]: each["pid"] for each in json.loads((soko.home / "processes.json").read_text())}

    soko.opened(process)
    first = pids()
    assert {"catalog.1", "catalog.2", "gateway", "postgresql"} <= first.keys()
    os.kill(first["order"], signal.SIGKILL)
    until = time.monotonic() + OPENS_WITHIN
    while pids()["order"] in (None, first["order"]):
        assert time.monotonic() < until
        time.sleep(0.1)
    soko.opened(process)
    last = pids()
    printed = closed(process)
    assert process.returncode == 0, printed
    assert not [name for name, pid in last.items() if child.alive(pid)]


def test_a_shop_for_customers_says_all_that_it_misses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soko = Soko(tmp_path / "home", child.pick_port(), "production")
    monkeypatch.setenv("SOKO_FAULTS", "relay.sent:1")
    code, printed = soko.say("run")
    assert code == 1
    for name in ("SOKO_INTERNAL_KEY", "PUBLIC_URL", "PostgreSQL", "SOKO_FAULTS"):
        assert name in printed
    assert soko.say("check", "--deploy")[1] == printed
