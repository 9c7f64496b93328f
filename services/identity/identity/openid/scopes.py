"""What an application may be given, in words and in rules. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal, get_args

from soko_contracts.rights import ACCOUNT, LENT, RIGHTS, Lent

Scope = Literal["openid", "profile", "email", "phone", "offline_access", "account", Lent]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
SHOP: Final = frozenset((ACCOUNT, *LENT))
"""What opens anything in the shop: without any of these a token is good for asking who somebody is, and no more."""

SHOWN: Final[dict[str, str]] = {
    OPENID: "Know that it is you",
    "profile": "See your name, username and language",
    "email": "See your e-mail address",
    "phone": "See your phone number",
    ACCOUNT: "Shop and order as you: your carts, orders, payments, reviews and delivery addresses",
    **{name: f"With your rights in the shop: {RIGHTS[name]}" for name in LENT},
    OFFLINE: "Go on while you are away, until you take it back",
}
"""What each means, as its owner is asked for it, in this order."""


def split(scope: str | None) -> frozenset[str]:
    """The scopes in a text of OAuth's: words with spaces between."""
    return frozenset((scope or "").split())


def joined(scopes: Iterable[str]) -> str:
    """The same the other way round, always in one order."""
    return " ".join(sorted(scopes))


def lent(asked: Iterable[str], registered: Collection[str], rights: Collection[str]) -> frozenset[str]:
    """What a client gets of what it asks for: what it is registered for, and of rights only those that the person has.

    Asked anew at each refresh, so that nothing outlives a role.
    """
    return frozenset(each for each in asked if each in registered and (each not in LENT or each in rights))


def claims(user: Mapping[str, Any], scope: Collection[str]) -> dict[str, Any]:
    """What OpenID Connect calls what the scopes show of a user's row. What the account does not have is left out."""
    said: dict[str, Any] = {"sub": user["id"]}
    if "profile" in scope:
        name = f"{user['first_name']} {user['last_name']}".strip()
        said |= {"name": name, "given_name": user["first_name"], "family_name": user["last_name"]}
        said |= {"preferred_username": user["username"], "locale": user["language"]}
        said |= {"updated_at": int(user["updated_at"].timestamp())}
    if "email" in scope and user["email"]:
        said |= {"email": user["email"], "email_verified": user["verified"]}
    if "phone" in scope and user["phone"]:
        said |= {"phone_number": user["phone"], "phone_number_verified": user["phone_verified"]}
    return {name: value for name, value in said.items() if value not in (None, "")}
