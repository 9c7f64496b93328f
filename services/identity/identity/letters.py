"""What people are told of their account: wishes for the notification service, secrets confided to it."""

from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from chassis.confiding import confide
from chassis.unit import Unit
from soko_contracts.notification import Send
from soko_contracts.registry import Message

from identity.app import Identity
from identity.brakes import Kind


def write(
    service: Identity,
    unit: Unit,
    kind: str,
    to: tuple[Kind, str],
    user: "sa.Row[Any]",
    data: Mapping[str, object] | None = None,
    **secrets: str,
) -> None:
    """One message by one channel, with whatever else the transaction does or not at all."""
    channel, address = to
    key = service.settings.soko_internal_key
    message = Send(
        cause=service.world.ids(),
        kind=kind,
        subject_id=user.id,
        customer_id=user.id,
        contact={"email": None, "phone": None, channel: address, "language": user.language},
        data=dict(data or {}),
        secrets={name: confide(key, text) for name, text in secrets.items()} or None,
    )
    unit.send(cast("Message", message), subject=user.id, sequence=0)


def reused(service: Identity, unit: Unit, user: "sa.Row[Any]", device: str) -> None:
    """A refresh token came twice: of two who hold it one is not the owner, who should know."""
    if to := reach(user):
        write(service, unit, "session_reused", to, user, {"device": device, "when": unit.now.isoformat()})


def reach(user: "sa.Row[Any]") -> tuple[Kind, str] | None:
    """Where its owner is told what happened to an account."""
    if user.email:
        return "email", user.email
    return ("phone", user.phone) if user.phone_verified else None


def minutes(seconds: float) -> dict[str, object]:
    """How long something is good, as messages say it."""
    return {"minutes": int(seconds // 60)}
