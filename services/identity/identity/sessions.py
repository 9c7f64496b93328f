"""Sessions and their refresh tokens. Whoever writes them locks the user, the role, the session, then its tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from chassis.world import World
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from identity import domain, rights, tokens
from identity.audit import Kind

# Positions are given under this lock, which is held until the commit: so nobody can read one and find a smaller one
# later. It is taken last, and only by what ends or renews sessions.
IN_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('identity.revocations', 0))")

REVOKE = text("""
INSERT INTO revocations (session_id, reason, at, needed_until)
SELECT id, :reason, :now, :needed_until FROM unnest(CAST(:ids AS text[])) AS id
""")

OF_TOKEN = text("""
SELECT sessions.id, sessions.user_id, sessions.client_id, sessions.scope
FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE hash = :hash
""")

LOCKED_USER = text("SELECT * FROM users WHERE id = :id FOR SHARE")

LOCKED_SESSION = text("""
SELECT id, device FROM sessions WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = :hash) FOR UPDATE
""")

TOKEN = text("SELECT used_at, expires_at FROM refresh_tokens WHERE hash = :hash")

# Several sessions are locked by their ids in order, so that two who do never wait for each other in a ring.
OF_USER = text("SELECT id FROM sessions WHERE user_id = :user_id ORDER BY id FOR UPDATE")

OF_ROLE = text("""
SELECT sessions.id FROM users JOIN sessions ON user_id = users.id WHERE role = :role AND role <> 'customer'
ORDER BY sessions.id FOR UPDATE OF sessions
""")

END = text("""
WITH mine AS (
    SELECT id FROM sessions WHERE user_id = :user_id
    AND (CAST(:only AS text) IS NULL OR id = :only) AND (CAST(:but AS text) IS NULL OR id <> :but)
    AND (CAST(:client AS text) IS NULL OR client_id = :client)
    ORDER BY id FOR UPDATE
), ended AS (
    DELETE FROM sessions WHERE id IN (SELECT id FROM mine) RETURNING id
), told AS (
    INSERT INTO audit (created_at, kind, user_id, details)
    SELECT :now, :kind, :user_id, jsonb_build_object('reason', CAST(:reason AS text), 'sessions', count(*))
    FROM ended HAVING count(*) > 0
)
SELECT id FROM ended
""")

TOLD_AS: Final[dict[str, Kind]] = {
    "logout": "logout",
    "reuse": "refresh_reused",
    "code_reused": "code_reused",
}

RENAME = text("""
UPDATE sessions SET id = new FROM unnest(CAST(:old AS text[]), CAST(:new AS text[])) AS given (old, new) WHERE id = old
""")

ROTATE = text("""
WITH used AS (UPDATE refresh_tokens SET used_at = :now WHERE hash = :old),
     seen AS (UPDATE sessions SET last_used_at = :now, expires_at = :expires_at WHERE id = :session_id)
INSERT INTO refresh_tokens (hash, session_id, issued_at, expires_at) VALUES (:new, :session_id, :now, :expires_at)
""")


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that goes on: whose it is, and the refresh token to go on with. ``scope`` is a client's."""

    session_id: str
    user_id: str
    role: str
    rights: frozenset[str]
    refresh_token: str = field(repr=False)
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Reused:
    """A session that has ended because its token was presented twice, and whose it was."""

    user: "Row[Any]"
    device: str


async def revoke(sql: AsyncConnection, ids: Sequence[str], reason: str, now: datetime, token_life: timedelta) -> None:
    """Stop the access tokens of these sessions, everywhere. The last thing a transaction does."""
    if ids:
        await sql.execute(IN_TURN)
        needed_until = now + token_life + timedelta(minutes=1)
        await sql.execute(REVOKE, {"ids": list(ids), "reason": reason, "now": now, "needed_until": needed_until})


async def end(
    sql: AsyncConnection,
    user_id: str,
    reason: str,
    now: datetime,
    token_life: timedelta,
    *,
    only: str | None = None,
    but: str | None = None,
    client: str | None = None,
) -> int:
    """End the sessions of a user, or only one, or all but one, or those of one client. Answers how many there were."""
    told = {"kind": TOLD_AS.get(reason, "sessions_ended"), "reason": reason, "now": now}
    ended = (
        (await sql.execute(END, {"user_id": user_id, "only": only, "but": but, "client": client} | told))
        .scalars()
        .all()
    )
    await revoke(sql, ended, reason, now, token_life)
    return len(ended)


async def renew(sql: AsyncConnection, user_id: str, reason: str, world: World, token_life: timedelta) -> None:
    """Stop the user's access tokens and let the sessions go on: each gets another id, which its next token carries."""
    await _rename(sql, (await sql.execute(OF_USER, {"user_id": user_id})).scalars().all(), reason, world, token_life)


async def renew_role(sql: AsyncConnection, role: str, reason: str, world: World, token_life: timedelta) -> None:
    """The same for everybody who has this role, which is locked: so nobody gets it, or a session by it, meanwhile."""
    await _rename(sql, (await sql.execute(OF_ROLE, {"role": role})).scalars().all(), reason, world, token_life)


async def _rename(sql: AsyncConnection, old: Sequence[str], reason: str, world: World, token_life: timedelta) -> None:
    await sql.execute(RENAME, {"old": list(old), "new": [world.ids() for _ in old]})
    await revoke(sql, old, reason, world.clock(), token_life)


async def rotate(
    sql: AsyncConnection,
    token: str,
    now: datetime,
    token_life: timedelta,
    session_life: timedelta,
    *,
    client_id: str | None = None,
) -> Opened | Reused | None:
    """Take ``token`` for a new one. None when it is not good any more; one that was used before ends its session.

    A client's is none to anybody else, and a person's is none to a client: each is worth what it was given for.
    """
    old = tokens.stored_form(token)
    found = (await sql.execute(OF_TOKEN, {"hash": old})).one_or_none()
    if found is None or found.client_id != client_id:
        return None
    user = (await sql.execute(LOCKED_USER, {"id": found.user_id})).one()
    allowed = await rights.held(sql, user.role) or frozenset()
    session = (await sql.execute(LOCKED_SESSION, {"hash": old})).one_or_none()
    if session is None:
        return None
    kept = (await sql.execute(TOKEN, {"hash": old})).one()
    match domain.refresh(used_at=kept.used_at, expires_at=kept.expires_at, now=now):
        case domain.Refresh.EXPIRED:
            return None
        case domain.Refresh.REUSED:
            await end(sql, user.id, "reuse", now, token_life, only=session.id)
            return Reused(user, session.device)
        case domain.Refresh.ROTATE:
            new = tokens.refresh_token()
            values = {"old": old, "new": tokens.stored_form(new), "now": now, "expires_at": now + session_life}
            await sql.execute(ROTATE, values | {"session_id": session.id})
            return Opened(session.id, user.id, user.role, allowed, new, found.scope)
