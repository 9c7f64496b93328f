"""What clients are given: tokens for a code, tokens for a refresh token, and the end of both.

A client that acts for somebody has a session of theirs, as every login has one: it stands in their list, a logout, a
new role, a new password and the account's end reach it, and its refresh tokens rotate by the same rules.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from chassis.context import Context
from chassis.http.tokens import Unreachable, Unverified
from chassis.unit import Unit
from sqlalchemy import Row, text

from identity import letters, rights, sessions, tokens
from identity.app import Identity
from identity.openid import scopes
from identity.openid.clients import Client
from identity.openid.oauth import Code, Token

FIND_CODE: Final = """
SELECT hash, authorization_codes.client_id, user_id, redirect_uri, authorization_codes.scope, nonce,
    challenge AS code_challenge, created_at AS authenticated_at
FROM authorization_codes JOIN sessions ON sessions.id = session_id WHERE hash = $1
"""

PRESENTED: Final = """
SELECT sessions.client_id, sessions.id AS session_id, user_id, scope,
    extract(epoch FROM refresh_tokens.expires_at) AS exp,
    used_at IS NULL AND refresh_tokens.expires_at > $2 AS active
FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE hash = $1
"""

GIVER = text("""
SELECT id FROM sessions WHERE id = (SELECT session_id FROM authorization_codes WHERE hash = :hash) FOR SHARE
""")

CODE = text("SELECT expires_at, grant_id FROM authorization_codes WHERE hash = :hash FOR UPDATE")

OPEN = text("""
WITH session AS (
    INSERT INTO sessions (id, user_id, device, address, created_at, last_used_at, expires_at, client_id, scope)
    VALUES (:id, :user_id, :device, :address, :now, :now, :expires_at, :client_id, :scope)
), token AS (
    INSERT INTO refresh_tokens (hash, session_id, issued_at, expires_at)
    SELECT :refresh, :id, :now, :expires_at WHERE CAST(:refresh AS text) IS NOT NULL
)
UPDATE authorization_codes SET grant_id = :id WHERE hash = :hash
""")


@dataclass(frozen=True, slots=True)
class Granted:
    """What a client goes on with. ``scope`` is what it has now, whatever it once had."""

    session_id: str
    user_id: str
    scope: frozenset[str]
    refresh_token: str | None = field(repr=False)


async def find_code(service: Identity, code: str | None) -> Code | None:
    """The code, used or not, run out or not."""
    row = code and await service.database.pool.fetchrow(FIND_CODE, tokens.stored_form(code))
    return Code(**row) if row else None


async def take(service: Identity, context: Context, client: Client, code: Code, address: str) -> Granted | None:
    """Tokens for a code whose client, address and challenge were found right. None where it does not count any more.

    One that comes a second time was seen by somebody else, and nobody can tell who came first: what it gave ends.
    """
    async with service.unit(context) as unit:
        user = (await unit.sql.execute(sessions.LOCKED_USER, {"id": code.user_id})).one()
        allowed = await rights.held(unit.sql, user.role) or frozenset()
        giver = (await unit.sql.execute(GIVER, {"hash": code.hash})).one_or_none()
        kept = (await unit.sql.execute(CODE, {"hash": code.hash})).one_or_none()
        if giver is None or kept is None or not user.active:
            return None
        if kept.grant_id is None:
            if unit.now >= kept.expires_at:
                return None
            return await _open(service, unit, client, code, user, _now(code.scope, client, allowed), address)
    # Sessions are locked before their codes, so this has to be another transaction.
    async with service.unit(context) as unit:
        life = service.settings.access_token_life
        await sessions.end(unit.sql, code.user_id, "code_reused", unit.now, life, only=kept.grant_id)
    return None


async def _open(
    service: Identity, unit: Unit, client: Client, code: Code, user: "Row[Any]", scope: frozenset[str], address: str
) -> Granted:
    refresh = tokens.refresh_token() if scopes.OFFLINE in scope else None
    life = service.settings.refresh_token_life if refresh else service.settings.access_token_life
    row = {
        "id": service.world.ids(),
        "user_id": user.id,
        "device": client.name,
        "address": address,
        "now": unit.now,
        "expires_at": unit.now + life,
        "client_id": client.id,
        "scope": code.scope,
        "refresh": refresh and tokens.stored_form(refresh),
        "hash": code.hash,
    }
    await unit.sql.execute(OPEN, row)
    return Granted(row["id"], user.id, scope, refresh)


async def renew(
    service: Identity, context: Context, client: Client, presented: str, narrowed: str | None
) -> Granted | None:
    """Tokens for a refresh token. None where it does not count any more; one used before ends what it belongs to.

    ``narrowed`` is what the client wants of its scope, this time.
    """
    async with service.unit(context) as unit:
        lives = service.settings.access_token_life, service.settings.refresh_token_life
        opened = await sessions.rotate(unit.sql, presented, unit.now, *lives, client_id=client.id)
        if isinstance(opened, sessions.Reused):
            letters.reused(service, unit, opened.user, opened.device)
            return None
    if opened is None:
        return None
    scope = _now(narrowed or opened.scope or "", client, opened.rights)
    return Granted(opened.session_id, opened.user_id, scope, opened.refresh_token)


def _now(scope: str, client: Client, allowed: frozenset[str]) -> frozenset[str]:
    return scopes.lent(scopes.split(scope), scopes.split(client.scope), allowed)


async def find_token(service: Identity, presented: str | None) -> Token | None:
    """The token, refresh or access; ``active`` as it stands this moment."""
    if presented is None:
        return None
    row = await service.database.pool.fetchrow(PRESENTED, tokens.stored_form(presented), service.world.clock())
    if row is not None:
        said = {"client_id": row["client_id"], "sub": row["user_id"], "scope": row["scope"], "exp": int(row["exp"])}
        return Token(row["client_id"], row["session_id"], row["user_id"], row["scope"] or "", row["active"], said)
    try:
        claims = await service.given.verify(presented)
    except (Unverified, Unreachable):
        return None
    await service.revocations.poll_once()
    said = {
        "client_id": claims.client_id,
        "sub": claims.user_id or claims.client_id,
        "scope": scopes.joined(claims.rights),
        "token_type": "Bearer",
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "iss": service.settings.shop_url,
    }
    active = not service.revocations.covers(claims)
    return Token(claims.client_id, claims.session_id, claims.user_id, said["scope"], active, said)


async def end(service: Identity, context: Context, token: Token) -> None:
    """What the token belongs to ends: a client's session with all its tokens, or the one token of a machine."""
    if token.session_id is None:
        return
    life = service.settings.access_token_life
    async with service.unit(context) as unit:
        if token.user_id:
            await sessions.end(unit.sql, token.user_id, "client_revoked", unit.now, life, only=token.session_id)
        else:
            await sessions.revoke(unit.sql, [token.session_id], "client_revoked", unit.now, life)
