"""What identity tells: ids and roles, never an address or a name."""

from dataclasses import dataclass

from soko_contracts.registry import event


@dataclass(frozen=True, kw_only=True)
class User:
    """An account and what it may do."""

    user_id: str
    role: str
    active: bool


@event("identity.user_registered.v1")
class UserRegistered(User):
    """An account was made."""


@event("identity.user_verified.v1")
class UserVerified(User):
    """The account's address was proven to be its owner's; it may log in."""


@event("identity.user_updated.v1")
class UserUpdated(User):
    """Something about the account changed."""


@event("identity.user_role_changed.v1")
class UserRoleChanged(User):
    """The account has another role."""

    old_role: str


@event("identity.user_erased.v1")
class UserErased(User):
    """The account is closed and its data has to go, everywhere."""
