"""One notification, from the wish that somebody is told to the word that they were.

``cause``, ``kind`` and ``channel`` together name it, so the same wish twice is one notification. The address and what
the message says are not part of it: they are gone once it has left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from soko_contracts import notification as public

ADMIN = "admin"
"""The subject of what goes to the shop itself."""
EMAIL, SMS = "email", "sms"


class Status(StrEnum):
    """``unwanted``: its customer wants none of these this way, so it never left."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNWANTED = "unwanted"


@dataclass(frozen=True, slots=True)
class Left:
    """A message that somebody else has now: to whom, its title, and what they call it."""

    to: str
    title: str
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """``recipient`` is masked. ``sequence`` counts the public events about it.

    ``order_id`` is the order that it tells of, ``provider_id`` what its provider calls it.
    """

    id: str
    cause: str
    kind: str
    subject_id: str
    customer_id: str | None
    created_at: datetime
    channel: str = EMAIL
    recipient: str | None = None
    title: str | None = None
    status: Status = Status.QUEUED
    reason: str | None = None
    sequence: int = 0
    sent_at: datetime | None = None
    order_id: str | None = None
    provider_id: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Notification":
        """Back from its columns; those that a row of an older version lacks are as they begin."""
        known = {field.name: row[field.name] for field in fields(cls) if field.name in row.keys()}  # noqa: SIM118 - a record has no such "in"
        return replace(cls(**known), status=Status(row["status"]))

    @property
    def who(self) -> str:
        """Whose preferences count: a guest has those of the one order."""
        return self.customer_id or self.subject_id

    def sent(self, at: datetime, left: Left) -> "Notification":
        """It left."""
        return replace(
            self,
            status=Status.SENT,
            reason=None,
            sent_at=at,
            recipient=masked(left.to),
            title=left.title,
            provider_id=left.provider_id,
            sequence=self.sequence + 1,
        )

    def failed(self, reason: str) -> "Notification":
        """It will never leave. ``reason`` is a code: ``no-address``, ``refused``, ``unknown-kind``, ``gave-up``, or
        ``not-confided``: a secret in it did not open with this shop's key.
        """
        return replace(self, status=Status.FAILED, reason=reason, sequence=self.sequence + 1)

    def fact(self) -> public.Sent | public.Failed:
        """What the world is told of how it ended."""
        if self.status is Status.SENT:
            return public.Sent(notification_id=self.id, kind=self.kind, channel=self.channel)
        reason = self.reason or "unknown"
        return public.Failed(notification_id=self.id, kind=self.kind, channel=self.channel, reason=reason)

    def row(self) -> dict[str, Any]:
        """Its columns."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def masked(address: str) -> str:
    """Enough of an address for its owner to know it: ``j***@soko.example``, ``+254***001``."""
    local, at, domain = address.rpartition("@")
    if not at:
        return f"{address[:4]}***{address[-3:]}"
    return f"{local[:1]}***{at}{domain}"
