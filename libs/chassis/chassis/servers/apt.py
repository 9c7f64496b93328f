"""Servers that apt installs for the tests, on Debian and Ubuntu as root."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from chassis.servers import child
from chassis.servers.failed import ServerFailed

INSTALL_SECONDS = 600


def install(package: str, is_there: Callable[[], object], how: str) -> None:
    """``apt-get install package``, unless it is there; no service is started by it. ``how``: to get it otherwise."""
    if is_there():
        return
    apt = shutil.which("apt-get")
    if apt is None or not child.is_root():
        raise ServerFailed(how)
    with Path(tempfile.gettempdir(), "soko-installs-a-server").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not is_there():
            _install_by(apt, package, is_there, how)


def _install_by(apt: str, package: str, is_there: Callable[[], object], how: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        [apt, "update", "-qq"],
        [apt, "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as slow:
            raise ServerFailed(f"{' '.join(command)} took longer than {INSTALL_SECONDS} s. {how}") from slow
    if not is_there():
        said = done.stderr.strip().splitlines()
        raise ServerFailed(f"apt could not install {package} ({said[-1] if said else 'no reason given'}).")
