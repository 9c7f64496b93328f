"""The rules of accounts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from chassis.decider import Refused
from hypothesis import given
from hypothesis import strategies as st
from identity.domain import (
    Account,
    Brake,
    Refresh,
    Sessions,
    change,
    known,
    password_fault,
    redefine,
    refresh,
    registered,
    totp_steps,
)
from identity.openid.scopes import joined
from soko_contracts.identity import UserRegistered, UserRoleChanged, UserUpdated, UserVerified
from soko_contracts.rights import PRESETS, RIGHTS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BRAKE = Brake(free=4, first=timedelta(seconds=1), longest=timedelta(minutes=5), forget=timedelta(hours=1))
ADMIN = Account("u1", "admin", True, PRESETS["admin"])
STAFF = Account("u1", "staff", True, PRESETS["staff"])


def test_a_password_of_ten_characters_is_enough() -> None:
    assert password_fault("abcdefghij") is None
    assert password_fault("a" * 256) is None


@pytest.mark.parametrize("password", ["abcdefghi", "a" * 257, "A.Customer@Example.com", "+254700000001", "a.customer"])
def test_a_short_a_huge_and_an_easily_guessed_password_are_refused(password: str) -> None:
    assert password_fault(password, "a.customer@example.com", "A.Customer", "+254700000001", None)


def test_a_scope_lists_rights_in_order() -> None:
    assert joined(PRESETS["customer"]) == ""
    assert set(joined(PRESETS["staff"]).split()) == PRESETS["staff"]
    assert joined(PRESETS["admin"]).split() == sorted(RIGHTS)


def test_a_right_that_there_is_no_more_is_none() -> None:
    assert known(["orders:read", "fax:send"]) == {"orders:read"}


def test_who_administers_is_whoever_may_change_accounts_by_whatever_role() -> None:
    assert ADMIN.administers
    assert Account("u2", "keeper", True, frozenset({"users:write"})).administers
    assert not replace(ADMIN, active=False).administers
    assert not STAFF.administers


def test_the_last_administrator_keeps_a_role_that_administers_and_may_take_another_that_does() -> None:
    keeper = replace(ADMIN, role="keeper", rights=frozenset({"users:write"}))
    assert change(ADMIN, keeper, other_admins=0)[1] is Sessions.RENEW
    with pytest.raises(Refused) as refused:
        change(keeper, STAFF, other_admins=0)
    assert refused.value.slug == "last-admin"


def test_a_role_does_not_lose_the_right_that_the_last_administrators_have_by_it() -> None:
    keeper, reader = frozenset({"users:write", "users:read"}), frozenset({"users:read"})
    with pytest.raises(Refused) as refused:
        redefine(keeper, reader, other_admins=0)
    assert refused.value.slug == "last-admin"
    redefine(keeper, reader, other_admins=1)
    redefine(keeper, keeper | {"audit:read"}, other_admins=0)
    redefine(reader, frozenset(), other_admins=0)


def test_the_first_failures_cost_nothing_and_each_further_one_doubles_the_wait() -> None:
    waits = [BRAKE.wait(failures, NOW, NOW).total_seconds() for failures in range(9)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]


def test_the_wait_counts_from_the_last_failure() -> None:
    assert BRAKE.wait(8, NOW - timedelta(seconds=5), NOW) == timedelta(seconds=3)
    assert BRAKE.wait(8, NOW - timedelta(seconds=8), NOW) == timedelta(0)


def test_failures_are_forgotten_after_a_quiet_hour() -> None:
    slow = replace(BRAKE, longest=timedelta(days=1))
    assert slow.wait(99, NOW - timedelta(hours=1), NOW) == timedelta(0)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_wait_never_grows_beyond_the_longest(failures: int) -> None:
    assert timedelta(0) <= BRAKE.wait(failures, NOW, NOW) <= BRAKE.longest


def test_a_refresh_token_works_once_and_until_it_expires() -> None:
    later = NOW + timedelta(days=1)
    assert refresh(used_at=None, expires_at=later, now=NOW) is Refresh.ROTATE
    assert refresh(used_at=NOW, expires_at=later, now=NOW) is Refresh.REUSED
    assert refresh(used_at=None, expires_at=NOW, now=NOW) is Refresh.EXPIRED


def test_reuse_counts_even_after_the_token_expired() -> None:
    assert refresh(used_at=NOW, expires_at=NOW, now=NOW + timedelta(days=9)) is Refresh.REUSED


def test_the_code_of_this_half_minute_and_those_beside_it_count() -> None:
    at = datetime(2026, 1, 1, 12, 0, 29, tzinfo=UTC)
    this = int(at.timestamp()) // 30
    assert list(totp_steps(at, 0)) == [this - 1, this, this + 1]
    assert list(totp_steps(at + timedelta(seconds=1), 0)) == [this, this + 1, this + 2]


def test_no_code_counts_up_to_the_last_that_was_used() -> None:
    this = int(NOW.timestamp()) // 30
    assert list(totp_steps(NOW, this - 1)) == [this, this + 1]
    assert list(totp_steps(NOW, this)) == [this + 1]
    assert list(totp_steps(NOW, this + 1)) == []


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)), st.integers(min_value=0, max_value=2**40))  # noqa: DTZ001
def test_never_more_than_three_codes_count_and_each_is_newer_than_the_last(now: datetime, last: int) -> None:
    counting = totp_steps(now, last)
    assert len(counting) <= 3
    assert all(step > last for step in counting)


def test_an_account_made_by_an_administrator_is_verified_at_once() -> None:
    assert registered(STAFF, verified=True) == (
        UserRegistered(user_id="u1", role="staff", active=True),
        UserVerified(user_id="u1", role="staff", active=True),
    )


def test_another_role_is_told_with_the_old_one_and_renews_the_sessions() -> None:
    assert change(STAFF, ADMIN, other_admins=1) == (
        (UserRoleChanged(user_id="u1", role="admin", active=True, old_role="staff"),),
        Sessions.RENEW,
    )


def test_deactivation_ends_the_sessions() -> None:
    off = replace(STAFF, active=False)
    assert change(STAFF, off, other_admins=1) == (
        (UserUpdated(user_id="u1", role="staff", active=False),),
        Sessions.END,
    )


def test_role_and_activity_together_are_two_facts_and_end_the_sessions() -> None:
    told, sessions = change(STAFF, Account("u1", "customer", False), other_admins=1)
    assert [type(fact) for fact in told] == [UserRoleChanged, UserUpdated]
    assert sessions is Sessions.END


def test_nothing_new_is_nothing_told() -> None:
    assert change(STAFF, STAFF, other_admins=0) == ((), Sessions.KEEP)


@pytest.mark.parametrize("after", [STAFF, replace(ADMIN, active=False)])
def test_the_last_active_administrator_stays_one(after: Account) -> None:
    with pytest.raises(Refused) as refused:
        change(ADMIN, after, other_admins=0)
    assert refused.value.slug == "last-admin"
    change(ADMIN, after, other_admins=1)


def test_an_administrator_who_is_not_active_may_get_another_role() -> None:
    off = replace(ADMIN, active=False)
    assert change(off, replace(off, role="staff", rights=PRESETS["staff"]), other_admins=0)[1] is Sessions.RENEW
