"""Applications that log people in here, or that act by themselves: registered by an administrator, known by id."""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import ClientMixin
from chassis.context import Context
from chassis.http import NOT_FOUND, Problem, invalid
from chassis.once import Once
from chassis.unit import Unit
from soko_contracts.rights import LENT

from identity import audit, brakes, sessions, tokens
from identity.app import Identity
from identity.openid import scopes
from identity.openid.scopes import Scope
from identity.tables import clients

Kind = Literal["public", "confidential", "machine"]
"""An app on people's devices that can keep no secret, one on a server that can, or a program that acts for itself."""

REDIRECTS: Final = 20
ALL: Final = "SELECT * FROM clients ORDER BY created_at DESC, id DESC"
FIND: Final = "SELECT id, name, kind, secret_hash, redirect_uris, scope FROM clients WHERE id = $1"

_PRIVATE_USE: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_CHARACTERS: Final = re.compile(r"[!#-\[\]-~]+")
_NETLOC: Final = re.compile(r"[A-Za-z0-9.:\[\]-]+")


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):
    """One of them, as OAuth's rules ask about it. ``scope`` is the most it may be given."""

    id: str
    name: str
    kind: Kind
    secret_hash: str | None = field(repr=False)
    redirect_uris: Sequence[str]
    scope: str

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> None:
        """There is none: OpenID Connect wants it said."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """``scope`` if the client may ask for all of it. Else None, which is refused."""
        asked = scopes.split(scope)
        return scopes.joined(asked) if asked and asked <= scopes.split(self.scope) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, tokens.stored_form(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whoever has a secret proves it everywhere; who has none may not ask what tokens mean."""
        if self.kind == "public":
            return method == "none" and endpoint != "introspection"
        return method != "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.kind != "machine"

    def check_grant_type(self, grant_type: str) -> bool:
        if self.kind == "machine":
            return grant_type == "client_credentials"
        return grant_type in ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class New:
    """What a new client is to be."""

    name: str
    kind: Kind
    redirect_uris: Sequence[str]
    scopes: Sequence[Scope]


def redirect_uri(value: str) -> str:
    """``value``, if people may be sent there with a code. Raises ``ValueError``.

    HTTPS, or something that stays on their device: a loopback address, or a scheme of an app's own (RFC 8252).
    """
    rule = "must be https://…, http:// to a loopback address, or an app's own scheme such as com.example.app:/…"
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        well = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(rule) from None
    match parts.scheme:
        case "https" | "http":
            good = bool(_NETLOC.fullmatch(parts.netloc) and host) and (parts.scheme == "https" or _loopback(host))
        case own:
            # A scheme with a dot is a domain's, the other way round: browsers have none such of their own.
            good = _PRIVATE_USE.fullmatch(own) is not None
    if not (well and good and _CHARACTERS.fullmatch(value) and "#" not in value):
        raise ValueError(f"{rule}, without a user or a fragment")
    return value


async def create(
    service: Identity, new: New, context: Context, once: Once | None = None, by: str | None = None
) -> tuple[sa.Row[Any], str | None, bool]:
    """The new client, its secret, which is in no other answer ever again, and whether an earlier request made it.

    Raises 422 where its parts do not belong together, 404 where an earlier request's is deleted by now.
    """
    _check(new)
    id_ = service.world.ids()
    secret = secrets.token_urlsafe(32) if new.kind != "public" else None
    async with service.unit(context, once and once.for_(id_)) as unit:
        if unit.replayed is None:
            row = {
                "id": id_,
                "name": new.name,
                "kind": new.kind,
                "secret_hash": secret and tokens.stored_form(secret),
                "redirect_uris": list(dict.fromkeys(new.redirect_uris)),
                "scope": scopes.joined(set(new.scopes)),
                "created_at": unit.now,
            }
            await unit.sql.execute(clients.insert().values(row))
            await audit.record(unit, "client_created", None, by, client_id=id_, client=new.kind, scope=row["scope"])
        found = await unit.sql.execute(clients.select().where(clients.c.id == (unit.replayed or id_)))
        kept, again = found.one_or_none(), unit.replayed is not None
    if kept is None:  # deleted since
        raise Problem(NOT_FOUND)
    return kept, None if again else secret, again


async def find(service: Identity, client_id: str | None) -> Client | None:
    """The client called so."""
    row = client_id and await service.database.pool.fetchrow(FIND, client_id)
    return Client(**row) if row else None


async def delete(service: Identity, unit: Unit, client_id: str, by: str | None = None) -> bool:
    """Delete it and all that it was given, at once and everywhere. False where there is none."""
    gone = await unit.sql.execute(clients.delete().where(clients.c.id == client_id))
    if not gone.rowcount:
        return False
    await audit.record(unit, "client_deleted", None, by, client_id=client_id)
    # Tokens that a machine holds have no session: they are ended by the client's own id.
    await sessions.revoke(unit.sql, [client_id], "client_deleted", unit.now, service.settings.access_token_life)
    return True


async def refuse_held_back(service: Identity, address: str) -> None:
    """429 with ``Retry-After`` where too much failed from this network address.

    Not for the client: its secret cannot be guessed, and anybody who knows its id could lock it out.
    """
    held_by = {brakes.network_key(address): service.settings.address_brake()}
    await brakes.refuse_held_back(service.database.pool, held_by, service.world.clock())


async def count_refusal(service: Identity, context: Context, address: str, client: Client | None) -> None:
    """A client that could not prove who it is: one more failure of the address, and an event."""
    now, forget = service.world.clock(), service.settings.address_brake().forget
    await brakes.count(service.database.pool, [brakes.network_key(address)], now, forget)
    async with service.unit(context) as unit:
        await audit.record(unit, "client_refused", None, client_id=client.id if client else None)


def _check(new: New) -> None:
    if new.kind == "machine":
        if new.redirect_uris:
            raise invalid("/redirect_uris", "must be empty for a machine: nobody logs in there")
        if set(new.scopes) - set(LENT):
            raise invalid("/scopes", f"must be of {', '.join(LENT)} for a machine: it is no person")
    elif not new.redirect_uris:
        raise invalid("/redirect_uris", "must name where people are sent back to")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
