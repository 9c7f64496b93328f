"""The one error of this package."""

import errno
from pathlib import Path


class ServerFailed(RuntimeError):
    """A server could not be found, made or started. Its text is one line that tells a person what to do."""


def explained(error: OSError, folder: Path) -> ServerFailed:
    """What ``error``, met while writing to ``folder``, means to a person."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(folder)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return no_permission(folder)
    return ServerFailed(f"{folder}: {error.strerror or error}.")


def disk_full(folder: Path) -> ServerFailed:
    return ServerFailed(f"The disk of {folder} is full: make room, then start again.")


def no_permission(folder: Path) -> ServerFailed:
    return ServerFailed(f"{folder} cannot be written by this user: give it to you, or name another folder.")
