"""How the simulated bank behaves, token by token."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from soko.cardsim import rules
from soko.cardsim.rules import Change, Charge, Entry, NewCharge, Refusal

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATE = timedelta(minutes=16)


def wanted(token: str, key: str = "k-1", amount: int = 500) -> NewCharge:
    return NewCharge("p-1", amount, "KES", token, "https://shop.example/back", key)


def made(token: str) -> Change:
    change = rules.create(wanted(token), None, "ch_1", NOW, LATE)
    assert change is not None
    return change


def authorised() -> Charge:
    return made("tok_success").charge


def captured() -> Charge:
    change = rules.capture(authorised(), 500, "k-2", NOW)
    assert change is not None
    return change.charge


@pytest.mark.parametrize(
    ("token", "status", "reason", "answers_at"),
    [
        ("tok_success", "authorised", None, None),
        ("tok_declined", "failed", "declined", None),
        ("tok_insufficient_funds", "failed", "insufficient_funds", None),
        ("tok_timeout", "pending", None, None),
        ("tok_slow", "pending", None, NOW + timedelta(seconds=3)),
        ("tok_late", "pending", None, NOW + LATE),
        ("tok_duplicate", "pending", None, NOW),
        ("tok_3ds", "requires_action", None, None),
    ],
)
def test_a_token_says_how_the_bank_behaves(
    token: str, status: str, reason: str | None, answers_at: datetime | None
) -> None:
    charge = made(token).charge
    assert (charge.status, charge.reason, charge.answers_at) == (status, reason, answers_at)


def test_a_promise_at_once_is_in_the_ledger_and_told_without_hurry() -> None:
    change = made("tok_success")
    assert change.entry == Entry("authorisation", 500, "k-1")
    assert change.webhooks == (rules.ANSWERED,)


def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(Refusal) as no:
        made("tok_unheard_of")
    assert no.value.code == "invalid_token"


def test_the_same_key_makes_nothing_again() -> None:
    assert rules.create(wanted("tok_success"), authorised(), "ch_2", NOW, LATE) is None


def test_the_same_key_for_something_else_is_refused() -> None:
    with pytest.raises(Refusal) as no:
        rules.create(wanted("tok_success", amount=600), authorised(), "ch_2", NOW, LATE)
    assert no.value.code == "idempotency_key_reused"


def test_a_reference_names_one_charge() -> None:
    with pytest.raises(Refusal) as no:
        rules.create(wanted("tok_success", key="another"), authorised(), "ch_2", NOW, LATE)
    assert no.value.code == "reference_taken"


def test_the_bank_answers_when_it_is_time_and_only_once() -> None:
    charge = made("tok_slow").charge
    assert rules.bank_answers(charge, NOW + timedelta(seconds=2)) is None
    change = rules.bank_answers(charge, NOW + timedelta(seconds=3))
    assert change is not None
    assert (change.charge.status, change.charge.revision) == ("authorised", 2)
    assert (change.entry, change.webhooks) == (Entry("authorisation", 500), (rules.AT_ONCE,))
    assert rules.bank_answers(change.charge, NOW + timedelta(seconds=9)) is None


def test_of_tok_duplicate_everything_is_told_twice_and_out_of_order() -> None:
    begun = made("tok_duplicate")
    answered = rules.bank_answers(begun.charge, NOW)
    assert answered is not None
    taken = rules.capture(answered.charge, 500, "k-2", NOW)
    assert taken is not None
    assert all(len(change.webhooks) == 2 for change in (begun, answered, taken))
    assert begun.webhooks[0] > answered.webhooks[0], "the beginning is told after its end"
    assert answered.webhooks[1] > taken.webhooks[0], "the promise is told again after the money"


def test_the_payer_decides_once() -> None:
    charge = made("tok_3ds").charge
    yes, no = rules.payer_decides(charge, True, NOW), rules.payer_decides(charge, False, NOW)
    assert yes is not None
    assert no is not None
    assert yes.charge.status == "authorised"
    assert (no.charge.status, no.charge.reason) == ("failed", "declined_by_payer")
    assert rules.payer_decides(yes.charge, False, NOW) is None


def test_capture_takes_once_what_is_authorised() -> None:
    change = rules.capture(authorised(), 400, "k-2", NOW)
    assert change is not None
    assert (change.charge.status, change.charge.captured) == ("captured", 400)
    assert change.entry == Entry("capture", 400, "k-2")
    assert rules.capture(change.charge, 400, "k-2", NOW) is None
    with pytest.raises(Refusal) as again:
        rules.capture(change.charge, 400, "k-3", NOW)
    assert again.value.code == "charge_captured"


@pytest.mark.parametrize("token", ["tok_declined", "tok_timeout", "tok_3ds"])
def test_capture_of_what_is_not_authorised_is_refused(token: str) -> None:
    with pytest.raises(Refusal):
        rules.capture(made(token).charge, 500, "k-2", NOW)


def test_capture_of_more_than_is_authorised_is_refused() -> None:
    with pytest.raises(Refusal) as no:
        rules.capture(authorised(), 501, "k-2", NOW)
    assert no.value.code == "amount_too_large"


@pytest.mark.parametrize("token", ["tok_success", "tok_timeout", "tok_3ds"])
def test_void_gives_the_promise_back(token: str) -> None:
    change = rules.void(made(token).charge, "k-2", NOW)
    assert change is not None
    assert change.charge.status == "voided"
    assert change.entry == Entry("void", 500, "k-2")
    assert rules.void(change.charge, "k-3", NOW) is None


@pytest.mark.parametrize("token", ["tok_slow", "tok_late"])
def test_void_while_the_bank_is_at_work_is_refused(token: str) -> None:
    with pytest.raises(Refusal) as no:
        rules.void(made(token).charge, "k-2", NOW)
    assert no.value.code == "charge_pending"


def test_void_of_money_that_was_taken_is_refused() -> None:
    with pytest.raises(Refusal) as no:
        rules.void(captured(), "k-3", NOW)
    assert no.value.code == "charge_captured"


def test_what_the_bank_has_not_paid_out_it_returns_when_it_is_asked_again() -> None:
    fresh = replace(captured(), token="tok_unsettled")
    with pytest.raises(Refusal) as early:
        rules.refund(fresh, "r-1", 300, "k-3", NOW)
    assert (early.value.status, early.value.code) == (409, "charge_unsettled")
    assert rules.refund(fresh, "r-1", 300, "k-4", NOW + rules.SETTLED_AFTER) is not None


def test_refunds_never_exceed_what_was_taken() -> None:
    first = rules.refund(captured(), "r-1", 300, "k-3", NOW)
    assert first is not None
    assert first.entry == Entry("refund", 300, "k-3", "r-1")
    assert first.charge.refunded == 300
    assert rules.refund(first.charge, "r-1", 300, "k-3", NOW) is None
    with pytest.raises(Refusal) as no:
        rules.refund(first.charge, "r-2", 201, "k-4", NOW)
    assert no.value.code == "exceeds_captured"
    with pytest.raises(Refusal) as twice:
        rules.refund(first.charge, "r-1", 300, "k-5", NOW)
    assert twice.value.code == "refund_taken"


def test_a_voided_charge_is_not_answered_by_the_bank_any_more() -> None:
    assert rules.bank_answers(replace(made("tok_slow").charge, status="voided"), NOW + LATE) is None
