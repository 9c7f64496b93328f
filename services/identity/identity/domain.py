"""The rules of accounts: passwords, delays, rotation, and what a change of role or activity means. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from chassis.decider import Refused
from soko_contracts.identity import User, UserErased, UserRegistered, UserRoleChanged, UserUpdated, UserVerified
from soko_contracts.rights import RIGHTS

ADMINISTERS: Final = "users:write"
"""Who has this right administers the shop: they can let others in again."""

PASSWORD_SHORTEST: Final = 10
PASSWORD_LONGEST: Final = 256

CODE_DIGITS: Final = 6
CODE_LIFE: Final = timedelta(minutes=10)
CODE_TRIES: Final = 5
RESET_LIFE: Final = timedelta(minutes=30)
TOTP_STEP: Final = timedelta(seconds=30)
TOTP_SKEW: Final = 1
"""Steps that a phone's clock may be before or behind ours."""
ENROLMENT_LIFE: Final = timedelta(hours=1)
"""How long a secret for a second factor waits for its first code."""
RECOVERY_CODES: Final = 10

UNCONFIRMED_KEPT: Final = timedelta(days=7)
"""How long an account waits for its address to be confirmed, before it is deleted."""


def password_fault(password: str, *identifiers: str | None) -> str | None:
    """What is wrong with ``password`` for an account with these identifiers, or None.

    Length is all that is asked of it: rules about kinds of characters make people choose worse ones.
    """
    if len(password) < PASSWORD_SHORTEST:
        return f"must have at least {PASSWORD_SHORTEST} characters"
    if len(password) > PASSWORD_LONGEST:
        return f"must have at most {PASSWORD_LONGEST} characters"
    if password.casefold() in {identifier.casefold() for identifier in identifiers if identifier}:
        return "must not be the e-mail address, the username or the phone number"
    return None


def known(rights: Iterable[str]) -> frozenset[str]:
    """Those that this version of the shop has: a role may name one that an earlier version had."""
    return frozenset(rights) & RIGHTS.keys()


@dataclass(frozen=True, slots=True)
class Brake:
    """How failed logins slow down the next try of one account or one address.

    ``free`` failures cost nothing; each further one doubles the wait, from ``first`` up to ``longest``. A key with no
    failure for ``forget`` starts anew.
    """

    free: int
    first: timedelta
    longest: timedelta
    forget: timedelta

    def wait(self, failures: int, last_at: datetime, now: datetime) -> timedelta:
        """How long this key has to wait from ``now`` on; zero when it need not."""
        if failures <= self.free or now - last_at >= self.forget:
            return timedelta(0)
        doublings = min(failures - self.free - 1, 30)
        whole = min(self.first * (1 << doublings), self.longest)
        return max(whole - (now - last_at), timedelta(0))


SENDS: Final = Brake(free=0, first=timedelta(minutes=1), longest=CODE_LIFE, forget=timedelta(hours=1))
"""How what was sent to an address holds back the next."""


def code_counts(*, tries: int, expires_at: datetime, now: datetime) -> bool:
    """Whether a code may still be tried: six digits are soon guessed by whoever may try often."""
    return tries < CODE_TRIES and now < expires_at


def totp_steps(now: datetime, last: int) -> range:
    """The time steps whose codes count: now's and its neighbours, and none up to the ``last`` that was used.

    So a code that somebody looked at while it was typed is worth nothing to them.
    """
    step = int(now.timestamp() // TOTP_STEP.total_seconds())
    return range(max(step - TOTP_SKEW, last + 1), step + TOTP_SKEW + 1)


class Refresh(StrEnum):
    """What a presented refresh token means."""

    ROTATE = "rotate"
    REUSED = "reused"
    EXPIRED = "expired"


def refresh(*, used_at: datetime | None, expires_at: datetime, now: datetime) -> Refresh:
    """A refresh token works once. The second time, thief and owner both hold it, and nobody can tell who asks."""
    if used_at is not None:
        return Refresh.REUSED
    if now >= expires_at:
        return Refresh.EXPIRED
    return Refresh.ROTATE


@dataclass(frozen=True, slots=True)
class Account:
    """What other services may know of an account, and what its role allows."""

    user_id: str
    role: str
    active: bool
    rights: frozenset[str] = frozenset()

    @property
    def administers(self) -> bool:
        """Whether it can let others in."""
        return self.active and ADMINISTERS in self.rights


class Sessions(StrEnum):
    """What a change does to the sessions of an account."""

    KEEP = "keep"
    RENEW = "renew"
    """The access tokens stop; a refresh gets one with today's role."""
    END = "end"


def registered(account: Account) -> tuple[User, ...]:
    """What is told of an account made by an administrator: it is verified at once."""
    who, role, active = account.user_id, account.role, account.active
    return (
        UserRegistered(user_id=who, role=role, active=active),
        UserVerified(user_id=who, role=role, active=active),
    )


def change(before: Account, after: Account, *, other_admins: int) -> tuple[tuple[User, ...], Sessions]:
    """What is told of a new role or activity, and what becomes of the sessions.

    ``other_admins`` counts the active administrators besides this account. Refuses ``last-admin``: a shop that nobody
    can administer can only be mended in its database.
    """
    if before.administers and not after.administers and other_admins == 0:
        raise Refused("last-admin", "This is the last active administrator: make another one first.")
    who, role, active = after.user_id, after.role, after.active
    told: list[User] = []
    if role != before.role:
        told.append(UserRoleChanged(user_id=who, role=role, active=active, old_role=before.role))
    if active != before.active:
        told.append(UserUpdated(user_id=who, role=role, active=active))
    if before.active and not active:
        return tuple(told), Sessions.END
    return tuple(told), Sessions.RENEW if role != before.role else Sessions.KEEP


def redefine(before: frozenset[str], after: frozenset[str], *, other_admins: int) -> None:
    """Whether a role may allow ``after`` instead of ``before``. Refuses ``last-admin``.

    ``other_admins`` counts the active administrators by other roles.
    """
    if ADMINISTERS in before - after and other_admins == 0:
        raise Refused("last-admin", "Nobody else could administer the shop: give somebody another role for it first.")


def erase(account: Account, *, other_admins: int) -> UserErased:
    """What is told of an account that its owner closes for good. Refuses ``last-admin``."""
    change(account, replace(account, active=False), other_admins=other_admins)
    return UserErased(user_id=account.user_id, role=account.role, active=False)
