"""The folder of a shop (``SOKO_HOME``): its embedded servers, its secrets, and the lock of the one that runs on it."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chassis.servers import ServerFailed
from chassis.servers.failed import explained

STOP_SECONDS = 60


class Stopped(ServerFailed):
    """The command cannot go on; its text is the one line to show."""


class Home:
    """One folder. ``lock`` it before anything in it is changed."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: Any = None

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def rabbitmq(self) -> Path:
        return self.path / "rabbitmq"

    def lock(self, what: str, url: str) -> None:
        """Be the one shop of this folder until the process ends. Raises ``Stopped`` saying who is it already."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / "lock").open("a+")
        except OSError as error:
            raise explained(error, self.path) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Stopped(self._taken()) from None
        file.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(json.dumps({"pid": os.getpid(), "what": what, "url": url, "since": since}))
        file.flush()
        self._lock = file

    def holder(self) -> dict[str, Any] | None:
        """Who runs on this folder: ``pid``, ``what``, ``url``, ``since``; None when nobody does."""
        try:
            with (self.path / "lock").open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return dict(json.loads(file.read() or '{"pid": 0}'))
                return None
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def _taken(self) -> str:
        holder = self.holder() or {}
        who = f"soko {holder.get('what', '')}, process {holder.get('pid', '?')}, at {holder.get('url', '?')}"
        since = holder.get("since", "?")
        return f"Another shop runs on {self.path} ({who}, since {since}): make stop ends it, or set another SOKO_HOME."

    def internal_key(self) -> str:
        """The secret that services know each other by, made at first start."""
        return self.secret("internal-key")

    def secret(self, name: str) -> str:
        """A secret of this folder's own, made when it is first asked for."""
        path = self.path / name
        try:
            if not path.exists():
                path.touch(mode=0o600)
            if not path.read_text().strip():
                path.write_text(secrets.token_urlsafe(32) + "\n")
            return path.read_text().strip()
        except OSError as error:
            raise explained(error, self.path) from error

    def stop(self) -> bool:
        """End the shop that runs here, cleanly; false when none does. Raises ``Stopped`` when it does not end."""
        holder = self.holder()
        if holder is None:
            return False
        os.kill(int(holder["pid"]), signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while self.holder() is not None:
            if time.monotonic() > until:
                raise Stopped(f"The shop (process {holder['pid']}) has not stopped within {STOP_SECONDS} s.")
            time.sleep(0.05)
        return True

    def remove(self) -> None:
        """Delete the folder with everything in it, if it is a shop's."""
        if (self.path / "lock").exists():
            shutil.rmtree(self.path)
