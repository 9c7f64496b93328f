"""Somebody at the pages of the OpenID provider: logged in or not, and what they have let a client have."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chassis.context import Context
from sqlalchemy import text

from identity import audit, rights, sessions, tokens
from identity.app import Identity
from identity.openid import scopes
from identity.openid.clients import Client

CODE_LIFE: Final = timedelta(seconds=60)

VISITOR: Final = """
SELECT sessions.id AS session_id, users.id AS user_id, users.role, roles.rights AS defined,
    coalesce(users.email, users.username, users.phone) AS name, sessions.created_at AS authenticated_at
FROM refresh_tokens JOIN sessions ON sessions.id = session_id JOIN users ON users.id = sessions.user_id
LEFT JOIN roles ON roles.name = users.role
WHERE hash = $1 AND used_at IS NULL AND refresh_tokens.expires_at > $2 AND sessions.client_id IS NULL AND users.active
"""

CONSENTED: Final = "SELECT scope FROM consents WHERE user_id = $1 AND client_id = $2"

SEEN = text("UPDATE sessions SET last_used_at = :now WHERE id = :session_id RETURNING id")

CODE = text("""
INSERT INTO authorization_codes
    (hash, client_id, session_id, redirect_uri, scope, nonce, challenge, expires_at)
VALUES (:hash, :client_id, :session_id, :redirect_uri, :scope, :nonce, :challenge, :expires_at)
""")

CONSENT = text("""
INSERT INTO consents (user_id, client_id, scope, given_at) VALUES (:user_id, :client_id, :scope, :now)
ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, given_at = excluded.given_at
""")

WITHDRAW = text("DELETE FROM consents WHERE user_id = :user_id AND client_id = :client_id")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is logged in in this browser, since when. The session is one like any other: its owner sees and ends it."""

    session_id: str
    user_id: str
    rights: frozenset[str]
    name: str | None
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a code is for: it counts for this client, these scopes, and whoever knows the challenge's secret."""

    client: Client
    scope: frozenset[str]
    redirect_uri: str
    challenge: str
    nonce: str | None


async def visitor(service: Identity, cookie: str) -> Visitor | None:
    """Whom the cookie is good for. It is a refresh token that nobody takes for another one while it stays there."""
    row = await service.database.pool.fetchrow(VISITOR, tokens.stored_form(cookie), service.world.clock())
    if row is None:
        return None
    told = {name: row[name] for name in ("session_id", "user_id", "name", "authenticated_at")}
    return Visitor(**told, rights=rights.of(row["role"], row["defined"]))


async def consented(service: Identity, user_id: str, client_id: str) -> frozenset[str]:
    """What the user has let the client have, whenever that was."""
    return scopes.split(await service.database.pool.fetchval(CONSENTED, user_id, client_id))


async def give_code(
    service: Identity, context: Context, who: Visitor, wanted: Wanted, consent: frozenset[str] | None
) -> str | None:
    """A code to send the browser back with. None where the login has ended meanwhile.

    ``consent`` is what is remembered from now on, if they were asked.
    """
    code, client = secrets.token_urlsafe(32), wanted.client
    async with service.unit(context) as unit:
        await unit.sql.execute(sessions.LOCKED_USER, {"id": who.user_id})
        seen = {"now": unit.now, "session_id": who.session_id}
        if (await unit.sql.execute(SEEN, seen)).one_or_none() is None:
            return None
        if consent is not None:
            given = {"user_id": who.user_id, "client_id": client.id, "scope": scopes.joined(consent), "now": unit.now}
            await unit.sql.execute(CONSENT, given)
            scope = scopes.joined(wanted.scope)
            await audit.record(unit, "consent_given", who.user_id, client_id=client.id, scope=scope)
        row = {
            "hash": tokens.stored_form(code),
            "client_id": client.id,
            "session_id": who.session_id,
            "redirect_uri": wanted.redirect_uri,
            "scope": scopes.joined(wanted.scope),
            "nonce": wanted.nonce,
            "challenge": wanted.challenge,
            "expires_at": unit.now + CODE_LIFE,
        }
        await unit.sql.execute(CODE, row)
    return code


async def withdraw(service: Identity, context: Context, user_id: str, client_id: str) -> bool:
    """Take back what a client was let have, and end its sessions. False where it had nothing."""
    async with service.unit(context) as unit:
        await unit.sql.execute(sessions.LOCKED_USER, {"id": user_id})
        gone = await unit.sql.execute(WITHDRAW, {"user_id": user_id, "client_id": client_id})
        if gone.rowcount:
            await audit.record(unit, "consent_withdrawn", user_id, client_id=client_id)
        life = service.settings.access_token_life
        ended = await sessions.end(unit.sql, user_id, "withdrawn", unit.now, life, client=client_id)
    return bool(gone.rowcount or ended)
