"""The folder of a shop: one shop at a time, its secrets, its end."""

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.servers import ServerFailed
from soko.home import Home, Stopped

HOLD = """
import pathlib, signal, sys
from soko.home import Home
home = Home(pathlib.Path(sys.argv[1]))
home.lock("run", "http://127.0.0.1:8000")
print("held", flush=True)
signal.pause()
"""


def holding(home: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_shop_is_told_who_runs_on_the_folder(tmp_path: Path) -> None:
    first = holding(tmp_path)
    with pytest.raises(Stopped, match=rf"Another shop runs on {tmp_path} \(soko run, process {first.pid}, at http:"):
        Home(tmp_path).lock("run", "http://127.0.0.1:8001")
    first.kill()
    first.communicate()
    Home(tmp_path).lock("run", "http://127.0.0.1:8001")


def test_it_is_known_who_runs_until_it_has_ended(tmp_path: Path) -> None:
    assert Home(tmp_path).holder() is None
    first = holding(tmp_path)
    holder = Home(tmp_path).holder()
    assert holder is not None
    assert holder["pid"] == first.pid
    assert Home(tmp_path).stop() is True
    assert first.wait() == -signal.SIGTERM
    first.communicate()
    assert Home(tmp_path).holder() is None
    assert Home(tmp_path).stop() is False


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = Home(tmp_path).internal_key()
    assert len(key) >= 32
    assert Home(tmp_path).internal_key() == key
    assert stat.S_IMODE((tmp_path / "internal-key").stat().st_mode) == 0o600


def test_only_a_shop_is_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep me")
    Home(tmp_path).remove()
    assert (tmp_path / "precious").exists()
    shop = Home(tmp_path / "shop")
    shop.lock("run", "-")
    shop.remove()
    assert not (tmp_path / "shop").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line() -> None:
    with pytest.raises(ServerFailed, match=r"^/proc/soko"):
        Home(Path("/proc/soko")).lock("run", "-")
