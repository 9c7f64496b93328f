"""Sealing personal data with a key of whom it is about, and opening it when it leaves the pure part.

AES-256-GCM, a key a subject in ``subject_keys``; deleting that row erases whatever was sealed under it, in events,
snapshots and backups alike. Keys are read anew for each transaction, never cached: an erasure counts at once, in
every process.
"""

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import orjson
from asyncpg import Connection
from asyncpg.pool import PoolConnectionProxy
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from soko_contracts import Sealed

from chassis.codec import members

ERASED = "erased"
NONCE_BYTES = 12

Connected: TypeAlias = "Connection[Any] | PoolConnectionProxy[Any]"

# The key need not wait for the disk: what is sealed under it is written to the same log after it, and waits.
KEYS_FOR = """
with hurry as (select set_config('synchronous_commit', 'off', true)),
wanted as (select * from unnest($1::text[], $2::bytea[]) wanted (subject, key)),
made as (
    insert into subject_keys (subject, key) select subject, key from wanted, hurry order by subject
    on conflict (subject) do nothing returning subject, key
)
select subject, key from made
union all select subject_keys.subject, subject_keys.key from subject_keys join wanted using (subject)
"""  # each subject's key, made now if there is none
KEYS_OF = "select subject, key from subject_keys where subject = any($1::text[])"


async def seal(connection: Connected, values: Mapping[str, Any]) -> Mapping[str, Sealed]:
    """Each value (anything JSON can say), readable only while the key of its subject exists."""
    fresh = [AESGCM.generate_key(256) for _ in values]
    found = await connection.fetch(KEYS_FOR, list(values), fresh)
    if len(found) < len(values):  # another transaction made one after our snapshot: it is there now
        found = await connection.fetch(KEYS_OF, list(values))
    return {row["subject"]: _boxed(row["key"], row["subject"], values[row["subject"]]) for row in found}


def _boxed(key: bytes, subject: str, value: Any) -> Sealed:
    nonce = os.urandom(NONCE_BYTES)
    box = nonce + AESGCM(key).encrypt(nonce, orjson.dumps(value), subject.encode())
    return Sealed(subject, base64.b64encode(box).decode())


class Sealer:
    """Seals for many subjects at once. ``made`` are the keys it had to make: store them with what was sealed."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self.made: dict[str, bytes] = {}

    @classmethod
    async def of(cls, connection: Connected, subjects: Iterable[str]) -> "Sealer":
        """A sealer with the keys that these subjects have."""
        wanted = list(set(subjects))
        if not wanted:
            return cls({})
        return cls({row["subject"]: row["key"] for row in await connection.fetch(KEYS_OF, wanted)})

    def seal(self, subject: str, value: Any) -> Sealed:
        """``value`` (anything JSON can say), readable only while the key of ``subject`` exists."""
        if subject not in self._keys:
            self._keys[subject] = self.made[subject] = AESGCM.generate_key(256)
        return _boxed(self._keys[subject], subject, value)


Default = Callable[[Any], Any]
"""What ``encode_opening`` asks about every dataclass inside a value."""


class Finder:
    """For ``encode_opening``: whose sealed values there are. They stay closed."""

    def __init__(self) -> None:
        self.subjects: set[str] = set()

    def default(self, value: Any) -> Any:
        """Note the subject of a sealed value; other dataclasses become their fields."""
        if isinstance(value, Sealed):
            self.subjects.add(value.subject)
            return None
        return members(value)


class Opener:
    """Opens what was sealed for the subjects whose keys it was given; anything else is ``erased``."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys

    @classmethod
    async def of(cls, connection: Connected, subjects: Iterable[str], known: Mapping[str, bytes]) -> "Opener":
        """An opener for these subjects, as their keys are now; ``known`` are those that nobody else can have yet."""
        wanted = list(set(subjects) - known.keys())
        if not wanted:
            return cls(known)
        found = await connection.fetch(KEYS_OF, wanted)
        return cls({**known, **{row["subject"]: row["key"] for row in found}})

    def open(self, sealed: Sealed) -> Any:
        """What is inside, or the part that ``path`` picks."""
        key = self._keys.get(sealed.subject)
        if key is None:
            return ERASED
        box = base64.b64decode(sealed.box)
        value = orjson.loads(AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], sealed.subject.encode()))
        for name in sealed.path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def default(self, value: Any) -> Any:
        """For ``encode_opening``: sealed values open, other dataclasses become their fields."""
        return self.open(value) if isinstance(value, Sealed) else members(value)


def refuse_sealed(value: Any) -> Any:
    """For ``encode_opening`` of public events: a sealed value in one is a mistake in the code."""
    if isinstance(value, Sealed):
        raise TypeError("a public event carries no personal data")
    return members(value)
