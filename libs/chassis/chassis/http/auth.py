"""Who asks, and who may: every route declares exactly one of these accesses."""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal

from fastapi import Request
from soko_contracts.problems import ProblemType
from soko_contracts.rights import ACCOUNT, RIGHTS

from chassis.http.problems import FORBIDDEN, UNAUTHENTICATED, Problem, invalid, unavailable
from chassis.http.revocations import Revocations
from chassis.http.service_tokens import HEADER as SERVICE_HEADER
from chassis.http.service_tokens import ServiceTokens
from chassis.http.tokens import Unreachable, Unverified, Verifier

CALLER: Final = "soko.caller"
"""Where a request's caller is remembered in the ASGI scope."""

CART_HEADER: Final = "X-Cart-Token"

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="soko"'}
BROKEN: Final = {"WWW-Authenticate": 'Bearer realm="soko", error="invalid_token"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a customer, a member of staff, a client of the API, or a guest with a cart token or nothing yet.

    A client that acts for a person is that person, ``user_id``, only where they said so (the scope ``account``).
    Everywhere else it is itself, with the rights that they lent it: what is theirs is not there for it.
    """

    user_id: str | None = None
    role: str | None = None
    rights: frozenset[str] = frozenset()
    session_id: str | None = None
    cart_token: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    client_id: str | None = None

    def may(self, right: str) -> bool:
        """Whether the token carries ``right``."""
        return right in self.rights

    @property
    def known(self) -> bool:
        """Whether there is a bearer or a cart token: something that ``key`` can name."""
        return bool(self.user_id or self.client_id or self.cart_token)

    @property
    def cart_key(self) -> str | None:
        """The guest's owner key from the cart token (``cart:<sha256>``), signed in or not."""
        if self.cart_token is None:
            return None
        return f"cart:{hashlib.sha256(self.cart_token.encode()).hexdigest()}"

    @property
    def key(self) -> str:
        """The owner key: ``user:<id>``, else ``cart:<sha256 of the cart token>``. 401 where there is neither."""
        if self.user_id:
            return f"user:{self.user_id}"
        if self.client_id:
            return f"client:{self.client_id}"
        if cart := self.cart_key:
            return cart
        raise Problem(UNAUTHENTICATED, "Log in, or send the X-Cart-Token of your cart.", headers=CHALLENGE)


NOBODY: Final = Caller()


@dataclass(frozen=True, slots=True)
class Peer:
    """Another service that asks, for ``caller`` or for itself."""

    name: str
    caller: Caller | None


class Authentication:
    """What a process needs to know who asks. One is kept in ``app.state.authentication``."""

    def __init__(self, verifier: Verifier, revocations: Revocations, service_tokens: ServiceTokens) -> None:
        self.verifier, self.revocations, self.service_tokens = verifier, revocations, service_tokens

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        """The caller with these credentials. A bearer that is broken, expired or revoked raises 401."""
        if bearer is None:
            return NOBODY if cart_token is None else Caller(cart_token=cart_token)
        try:
            claims = await self.verifier.verify(bearer)
        except Unverified as no:
            raise Problem(UNAUTHENTICATED, f"{no}.", headers=BROKEN) from None
        except Unreachable:
            raise unavailable("identity") from None
        if self.revocations.covers(claims):
            raise Problem(UNAUTHENTICATED, "The access token was revoked.", headers=BROKEN)
        is_the_person = claims.client_id is None or ACCOUNT in claims.rights
        return Caller(
            user_id=claims.user_id if is_the_person else None,
            role=claims.role,
            rights=claims.rights,
            session_id=claims.session_id,
            cart_token=cart_token,
            bearer=bearer,
            client_id=claims.client_id,
        )


async def authenticate(request: Request) -> Caller:
    """The request's caller, found once a request. Raises 401 on credentials that are there and not good."""
    found: Caller | None = request.scope.get(CALLER)
    if found is None:
        authentication: Authentication = request.app.state.authentication
        headers = request.headers
        found = await authentication.caller(
            bearer_token(headers.get("authorization")), cart_token(headers.get(CART_HEADER))
        )
        request.scope[CALLER] = found
    return found


def bearer_token(header: str | None) -> str | None:
    """The token in ``Authorization``. 401 for one that is there and is no bearer's."""
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Problem(UNAUTHENTICATED, "Authorization must be: Bearer <access token>.", headers=CHALLENGE)
    return token


def cart_token(header: str | None) -> str | None:
    """The token in ``X-Cart-Token``. 401 for one that no shop gives out."""
    if not header:
        return None
    if not 16 <= len(header) <= 128:
        raise Problem(UNAUTHENTICATED, f"{CART_HEADER} is not one that this shop gave out.", headers=CHALLENGE)
    return header


async def guest_cart(request: Request) -> str:
    """The owner key of the cart that ``X-Cart-Token`` names, whoever asks: ``key: str = Depends(guest_cart)``."""
    key = (await authenticate(request)).cart_key
    if key is None:
        raise invalid(f"/header/{CART_HEADER}", "is required: it names the cart of a guest")
    return key


Kind = Literal["anyone", "signed_in", "shopper", "right", "cart_holder", "known", "service_only"]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route. As a dependency it answers the caller, or raises 401 or 403."""

    kind: Kind
    right: str | None = None

    async def __call__(self, request: Request) -> Caller:
        caller = await authenticate(request)
        if self.kind in ("anyone", "cart_holder"):
            return caller
        if self.kind == "known":
            caller.key  # noqa: B018 - raises 401 for a caller that nothing names
            return caller
        if caller.bearer is None:
            raise Problem(UNAUTHENTICATED, "Log in first.", headers=CHALLENGE)
        if self.kind == "signed_in" and caller.client_id is not None:
            raise Problem(FORBIDDEN, "Only a person may do this, by their own login: no client, whoever it acts for.")
        if self.kind == "shopper" and caller.user_id is None and self.right not in caller.rights:
            raise Problem(FORBIDDEN, f"Only a person may do this, or a client with their scope {ACCOUNT}.")
        if self.kind == "right" and self.right not in caller.rights:
            raise Problem(FORBIDDEN, f"This needs the right {self.right}.")
        return caller

    @property
    def refusals(self) -> tuple[ProblemType, ...]:
        """What it raises."""
        # Some of what only a person may do is refused to a client of the API.
        return (UNAUTHENTICATED, FORBIDDEN) if self.kind in ("right", "signed_in", "shopper") else (UNAUTHENTICATED,)

    def __str__(self) -> str:
        return str(self.right) if self.kind == "right" else self.kind


class Unguarded(Access):
    """Bad credentials count as none here: a route that gives new ones, or that reads the header in its own way.

    So do a client's: whom it acts for decides alone how they log in.
    """

    async def __call__(self, request: Request) -> Caller:
        try:
            caller = await super().__call__(request)
        except Problem:
            return NOBODY
        return caller if caller.client_id is None else NOBODY

    @property
    def refusals(self) -> tuple[ProblemType, ...]:
        """Nobody is refused."""
        return ()


@dataclass(frozen=True, slots=True)
class PeerAccess:
    """Only another service, by its service token."""

    kind: Kind = "service_only"
    right: str | None = None
    refusals: tuple[ProblemType, ...] = (UNAUTHENTICATED,)

    async def __call__(self, request: Request) -> Peer:
        authentication: Authentication = request.app.state.authentication
        token = request.headers.get(SERVICE_HEADER)
        name = authentication.service_tokens.verify(token) if token else None
        if name is None:
            raise Problem(UNAUTHENTICATED, "This route is for the shop's own services.", headers=CHALLENGE)
        caller = await authenticate(request)
        return Peer(name, caller if caller.known else None)

    def __str__(self) -> str:
        return self.kind


anyone: Final = Access("anyone")
"""Token optional; one that is broken is 401."""

unguarded: Final = Unguarded("anyone")
"""Token optional; one that is broken is none."""

signed_in: Final = Access("signed_in")
"""The access token of a person's own login, else 401; 403 for a client's, even one that acts for them."""

shopper: Final = Access("shopper")
"""A person's access token, or that of a client that may shop as them, else 401 or 403."""


def shopper_or(right: str) -> Access:
    """The same, or a token with this right: people see their own, who has the right sees all."""
    return Access("shopper", _known(right))


cart_holder: Final = Access("cart_holder")
"""Bearer, or ``X-Cart-Token``, or nothing yet."""

known: Final = Access("known")
"""Bearer, or ``X-Cart-Token``, else 401: for what only those who have something here may ask."""

service_only: Final = PeerAccess()
"""The shop's own services, under ``/internal/v1``."""


def right(name: str) -> Access:
    """A token with this right, else 401 or 403. An unknown right raises ``ValueError`` at import."""
    return Access("right", _known(name))


def _known(right: str) -> str:
    if right not in RIGHTS:
        raise ValueError(f"{right} is not in soko_contracts.rights")
    return right
