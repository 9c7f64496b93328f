"""Security events: who logged in or could not, whose role changed, by whom.

Rows hold ids, never a name, an e-mail or a network address: they outlive the account. Sessions show the address for as
long as they last. Whoever writes a row writes it in the transaction, where it can in the statement, of what it tells;
its number and its place in the chain come later, from ``audit_chain``.
"""

from typing import Any, Final, Literal, get_args

import orjson
from chassis.unit import Unit
from sqlalchemy import text

Kind = Literal[
    "account_created",
    "account_erased",
    "activation_changed",
    "address_changed",
    "client_created",
    "client_deleted",
    "client_refused",
    "code_reused",
    "consent_given",
    "consent_withdrawn",
    "login_failed",
    "login_held_back",
    "login_succeeded",
    "logout",
    "mfa_disabled",
    "mfa_enabled",
    "password_changed",
    "password_reset",
    "recovery_code_used",
    "recovery_codes_renewed",
    "refresh_reused",
    "role_changed",
    "role_defined",
    "role_deleted",
    "role_redefined",
    "sessions_ended",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

RECORD = text("""
INSERT INTO audit (created_at, kind, user_id, by_id, details)
VALUES (:now, :kind, :user_id, :by_id, CAST(:details AS jsonb))
""")


async def record(unit: Unit, kind: Kind, user_id: str | None, by: str | None = None, **details: Any) -> None:
    """Note a security event about a user, if about any, done ``by`` somebody (None: by themself).

    Ids and facts alone, no secrets.
    """
    told = {"now": unit.now, "kind": kind, "user_id": user_id, "by_id": by}
    await unit.sql.execute(RECORD, told | {"details": orjson.dumps(details).decode()})
