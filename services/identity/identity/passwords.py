"""Passwords as argon2id hashes, made and checked in a few threads."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from secrets import token_urlsafe

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from identity import domain
from identity.common_passwords import is_common

# OWASP names five settings of equal strength; this one costs the least, in time (15 ms) and in memory (7 MiB).
HASHER = PasswordHash((Argon2Hasher(time_cost=5, memory_cost=7168, parallelism=1),))


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the password was right, and a new hash where the stored one was made with older settings."""

    right: bool
    rehashed: str | None = None


def fault(password: str, *identifiers: str | None) -> str | None:
    """What is wrong with a password that somebody chooses, or None."""
    if found := domain.password_fault(password, *identifiers):
        return found
    return "is one that many people use" if is_common(password) else None


class Passwords:
    """Hashes and checks with at most ``threads`` at a time.

    Whoever checks a password takes a turn first (``async with passwords.turn``) and looks inside it whether the account
    is held back: so a burst of guesses gets no more tries than there are threads before the first failure counts.
    """

    def __init__(self, threads: int) -> None:
        self.turn = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._nobodys = HASHER.hash(token_urlsafe())

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, HASHER.hash, _normal(password))

    async def verify(self, password: str, stored: str | None) -> Verified:
        """Check ``password``; None is an account that does not exist: it takes as long, and is never right."""
        right, rehashed = await asyncio.get_running_loop().run_in_executor(
            self._threads, HASHER.verify_and_update, _normal(password), stored or self._nobodys
        )
        return Verified(right, rehashed) if stored is not None else Verified(False)


def _normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)
