"""What an id token has to say before anything in it counts, and what is taken from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from chassis.http import Problem
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from identity import fields
from identity.problems import PROVIDER_EMAIL

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signed by a key that only the provider has: neither `none` nor the secret that the shop holds too."""
LEEWAY: Final = 60
"""Seconds that two clocks may differ by."""
LONGEST_SUBJECT: Final = 255


class Untrusted(Exception):
    """The token is not one that this provider gave to this shop for this login. Says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who the provider says it is: ``claims`` of a token that was checked, and the key to ask it for more."""

    subject: str
    claims: Mapping[str, Any] = field(repr=False)
    access_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose e-mail address the provider vouches for."""

    email: str
    first_name: str
    last_name: str


def checked(
    id_token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, access_token: str | None, now: datetime
) -> Said:
    """The claims of ``id_token``. Raises Untrusted, and ``InvalidKeyIdError`` or ``BadSignatureError`` as they come:
    the keys may be old."""
    decoded = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
    required = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    named = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    bound = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
    claims = CodeIDToken(decoded.claims, decoded.header, {**required, **named}, bound)
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    except JoseError as error:
        raise Untrusted(str(error)) from None
    subject = claims["sub"]
    if not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Untrusted("sub is empty or too long")
    return Said(subject, claims, access_token)


def person(claims: Mapping[str, Any]) -> Person:
    """Raises 403 without an e-mail address that the provider says it has verified."""
    verified = claims.get("email_verified")
    if verified is not True and verified != "true":  # some say so in words
        raise Problem(PROVIDER_EMAIL)
    try:
        email = fields.email(str(claims.get("email") or ""))
    except ValueError:
        raise Problem(PROVIDER_EMAIL) from None
    return Person(email, _line(claims.get("given_name")), _line(claims.get("family_name")))


def _line(value: Any) -> str:
    """A name as it may be kept; nothing where it is none."""
    text = value if isinstance(value, str) else ""
    return "".join(character for character in text if character.isprintable()).strip()[:200]
