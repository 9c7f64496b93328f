"""Sealing personal data with a key of whom it is about, and opening it when it leaves the pure part.

AES-256-GCM, a key a subject in ``subject_keys``; deleting that row erases whatever was sealed under it, in events,
snapshots and backups alike. Keys of recent subjects are kept in memory, and only believed: what was opened or sealed
with one is written by a statement that takes itself back unless the very same key is still there. So an erasure counts
at once, in every process.
"""

import base64
import os
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
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
KEY_FOR = """
with hurry as (select set_config('synchronous_commit', 'off', true)),
made as (
    insert into subject_keys (subject, key) select $1, $2 from hurry on conflict (subject) do nothing returning key
)
select key from made union all select key from subject_keys where subject = $1
"""  # the subject's key, made now if there is none
KEYS_OF = "select subject, key from subject_keys where subject = any($1::text[])"
KEPT_KEYS = 4_000


class Keyring:
    """The keys of a service's recent subjects, as this process last saw them."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, bytes] = OrderedDict()

    def get(self, subject: str) -> bytes | None:
        """What its key was."""
        return self._keys.get(subject)

    def keep(self, keys: Mapping[str, bytes]) -> None:
        """These are in the database."""
        for subject, key in keys.items():
            self._keys[subject] = key
            self._keys.move_to_end(subject)
        while len(self._keys) > KEPT_KEYS:
            self._keys.popitem(last=False)

    def drop(self, subjects: Iterable[str]) -> None:
        """These may be there no more."""
        for subject in subjects:
            self._keys.pop(subject, None)

    async def read(self, connection: "Connected", subjects: Collection[str]) -> Mapping[str, bytes]:
        """The keys that these have now, in the database."""
        if not subjects:
            return {}
        found = {row["subject"]: row["key"] for row in await connection.fetch(KEYS_OF, list(subjects))}
        self.keep(found)
        return found


@dataclass(frozen=True, slots=True)
class Sealing:
    """Values sealed for a command, by subject, and what has to be so when it is written.

    ``made`` are new keys: written with it. ``believed`` have to be there still.
    """

    values: Mapping[str, Sealed]
    made: Mapping[str, bytes] = field(repr=False)
    believed: Mapping[str, bytes] = field(repr=False)

    @classmethod
    async def of(
        cls, connection: "Connected", keyring: Keyring, values: Mapping[str, Any], fresh: Collection[str]
    ) -> "Sealing":
        """Each value (anything JSON can say) under its subject's key; those in ``fresh`` most likely have none yet."""
        kept = {subject: key for subject in values if (key := keyring.get(subject)) is not None}
        believed = {**kept, **await keyring.read(connection, values.keys() - kept.keys() - set(fresh))}
        made = {subject: AESGCM.generate_key(256) for subject in values if subject not in believed}
        keys = {**believed, **made}
        return cls({name: _boxed(keys[name], name, value) for name, value in values.items()}, made, believed)


async def seal(connection: Connected, subject: str, value: Any) -> Sealed:
    """``value`` (anything JSON can say), readable only while the key of ``subject`` exists."""
    found = await connection.fetchrow(KEY_FOR, subject, AESGCM.generate_key(256))
    if found is None:  # another transaction made one after our snapshot: it is there now
        found = await connection.fetchrow(KEYS_OF, [subject])
    assert found is not None
    return _boxed(found["key"], subject, value)


def _boxed(key: bytes, subject: str, value: Any) -> Sealed:
    nonce = os.urandom(NONCE_BYTES)
    box = nonce + AESGCM(key).encrypt(nonce, orjson.dumps(value), subject.encode())
    return Sealed(subject, base64.b64encode(box).decode())


class Sealer:
    """Seals for many subjects at once. ``made`` are the keys it had to make: store them with what was sealed."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self.made: dict[str, bytes] = {}

    def seal(self, subject: str, value: Any) -> Sealed:
        """``value`` (anything JSON can say), readable only while the key of ``subject`` exists."""
        if subject not in self._keys:
            self._keys[subject] = self.made[subject] = AESGCM.generate_key(256)
        return _boxed(self._keys[subject], subject, value)


Default = Callable[[Any], Any]
"""What ``encode_opening`` asks about every dataclass inside a value."""


class Opener:
    """Opens what was sealed under these keys, or under kept ones; anything else is ``erased``.

    ``believed`` are the kept keys that it used, ``unknown`` the subjects that it had no key for.
    """

    def __init__(self, keys: Mapping[str, bytes], keyring: Keyring | None = None) -> None:
        self._keys, self._keyring = keys, keyring
        self.believed: dict[str, bytes] = {}
        self.unknown: set[str] = set()
        self._opened: dict[str, Any] = {}

    def _key(self, subject: str) -> bytes | None:
        key = self._keys.get(subject)
        if key is None and self._keyring is not None:
            key = self._keyring.get(subject)
            if key is not None:
                self.believed[subject] = key
        return key

    def open(self, sealed: Sealed) -> Any:
        """What is inside, or the part that ``path`` picks."""
        key = self._key(sealed.subject)
        if key is None:
            self.unknown.add(sealed.subject)
            return ERASED
        if sealed.box not in self._opened:  # the parts of one box are asked for one by one
            box = base64.b64decode(sealed.box)
            opened = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], sealed.subject.encode())
            self._opened[sealed.box] = orjson.loads(opened)
        value = self._opened[sealed.box]
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
