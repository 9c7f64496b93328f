"""A refund that the provider refused, by given, when, then: tried again, and whichever try brings the money back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from charges import (
    ASK_LATER,
    AUTHORISED,
    CAPTURE_ASKED,
    CAPTURED,
    IDS,
    REFUND,
    REQUESTED,
    call_refund,
    denies,
    left_open,
    says,
    silent,
)
from chassis.testing import given
from payment.api.reconciliation import compared
from payment.domain import commands, facts
from payment.domain.commands import Charge, ChargeRefund
from payment.domain.rules import payment
from payment.providers.port import Movement
from payment.views import shown_status
from soko_contracts import payment as told

PAID = (REQUESTED, AUTHORISED, CAPTURE_ASKED, CAPTURED)
ASKED = facts.RefundAsked("r1", 200)
FAILED = facts.RefundFailed("p1", "o1", "r1", 200, "declined")
OWED = (*PAID, ASKED, FAILED)
AGAIN = replace(REFUND, tries=2)
SECOND = facts.RefundAsked("r1", 200, 2)
TOO_LARGE = facts.RefundFailed("p1", "o1", "r1", 501, "exceeds_captured")
DONE = facts.Refunded("r1", 200, 4)
TOLD_FAILED = told.RefundFailed(**IDS, refund_id="r1", amount=200, currency="KES", reason="declined")
TOLD_DONE = told.Refunded(**IDS, refund_id="r1", amount=200, currency="KES")


def shows(*refunds: ChargeRefund, call: str | None = None) -> commands.Report:
    return says("captured", 4, call=call, captured=500, refunds=refunds)


def test_a_higher_try_asks_the_provider_again_under_a_key_of_its_own() -> None:
    given(payment, *OWED).when(AGAIN).then(SECOND).sends(call_refund(tries=2))
    third = (*OWED, SECOND, replace(FAILED, tries=2))
    given(payment, *third).when(replace(REFUND, tries=3)).then(replace(SECOND, tries=3)).sends(call_refund(tries=3))


def test_the_same_try_asked_for_again_repeats_what_is_known() -> None:
    given(payment, *OWED).when(REFUND).then(facts.AnsweredAgain("r1")).sends(TOLD_FAILED)
    given(payment, *OWED, SECOND).when(AGAIN).then().sends()
    given(payment, *OWED, SECOND).when(REFUND).then().sends()
    refused = (*OWED, SECOND, replace(FAILED, tries=2))
    given(payment, *refused).when(AGAIN).then(facts.AnsweredAgain("r1")).sends(replace(TOLD_FAILED, tries=2))


def test_no_higher_try_begins_before_the_one_before_failed() -> None:
    given(payment, *PAID, ASKED).when(AGAIN).then().sends()
    given(payment, *PAID, ASKED, DONE).when(AGAIN).then(facts.AnsweredAgain("r1")).sends(TOLD_DONE)


def test_what_the_provider_would_not_return_is_kept_for_it() -> None:
    other = commands.Refund("p1", "o1", "r2", 301)
    given(payment, *OWED).when(other).then(replace(TOO_LARGE, refund_id="r2", amount=301))
    given(payment, *OWED).when(replace(other, amount=300)).then(facts.RefundAsked("r2", 300))
    given(payment, *OWED, facts.RefundAsked("r2", 300)).when(AGAIN).then(SECOND)


def test_for_what_was_too_large_to_be_asked_for_nothing_is_kept() -> None:
    given(payment, *PAID, TOO_LARGE).when(commands.Refund("p1", "o1", "r2", 500)).then(facts.RefundAsked("r2", 500))


def test_what_was_too_large_is_too_large_again_or_fits_by_now() -> None:
    early = facts.RefundFailed("p1", "o1", "r1", 200, "nothing_captured")
    given(payment, REQUESTED, AUTHORISED, early).when(AGAIN).then(replace(early, tries=2))
    taken = (REQUESTED, AUTHORISED, CAPTURE_ASKED, early, CAPTURED)
    given(payment, *taken).when(AGAIN).then(SECOND)
    again = replace(AGAIN, amount=501)
    given(payment, *PAID, TOO_LARGE).when(again).then(replace(TOO_LARGE, tries=2)).sends(
        replace(TOLD_FAILED, amount=501, reason="exceeds_captured", tries=2)
    )


def test_the_second_try_succeeds_or_fails_by_its_own_answer() -> None:
    history = (*OWED, SECOND)
    answer = shows(ChargeRefund("r1", 200, "succeeded", tries=2), call="refund:r1:2")
    then = given(payment, *history).when(answer).then(DONE).sends(TOLD_DONE)
    assert (then.state.refunded, then.state.refundable, then.state.calling) == (200, 300, ())
    given(payment, *history).when(denies("refund:r1:2")).then(replace(FAILED, tries=2)).sends(
        replace(TOLD_FAILED, tries=2)
    )
    given(payment, *history).when(shows(ChargeRefund("r1", 200, "failed", "closed", tries=2))).then(
        replace(FAILED, reason="closed", tries=2)
    )


@pytest.mark.parametrize(
    "late",
    [
        denies("refund:r1"),
        silent("refund:r1"),
        shows(ChargeRefund("r1", 200, "failed")),
        shows(ChargeRefund("r1", 200, "failed"), call="refund:r1"),
    ],
)
def test_the_first_trys_failure_told_late_is_no_news_of_the_second(late: Any) -> None:
    then = given(payment, *OWED, SECOND).when(late).then().sends()
    assert then.state.calling == ("refund:r1:2",)


def test_a_second_try_without_an_answer_is_asked_about_and_called_again_under_its_key() -> None:
    history = (*OWED, SECOND, left_open("refund:r1:2"))
    given(payment, *OWED, SECOND).when(silent("refund:r1:2")).then(left_open("refund:r1:2", None)).sends(ASK_LATER)
    given(payment, *history).when(shows(ChargeRefund("r1", 200, "failed"))).then(SECOND).sends(call_refund(tries=2))
    given(payment, *history).when(shows(ChargeRefund("r1", 200, "pending"))).then()


def test_the_first_trys_success_ends_the_second() -> None:
    first = ChargeRefund("r1", 200, "succeeded")
    taken = Charge("captured", "ch", 4, 500, (first,))
    given(payment, *OWED).when(shows(first)).then(DONE).sends(TOLD_DONE)
    then = given(payment, *OWED, SECOND).when(shows(first)).then(DONE).sends(TOLD_DONE)
    assert not then.state.unsettled()
    assert then.state.calling == ()
    given(payment, *OWED, SECOND).when(denies("refund:r1:2", "refund_taken", taken)).then(DONE).sends(TOLD_DONE)


def test_a_second_success_counts_here_once() -> None:
    both = (ChargeRefund("r1", 200, "succeeded"), ChargeRefund("r1", 200, "succeeded", tries=2))
    then = given(payment, *OWED, SECOND).when(shows(*both, call="refund:r1:2")).then(DONE).sends(TOLD_DONE)
    assert then.state.refunded == 200
    given(payment, *OWED, SECOND, DONE).when(shows(*both, call="refund:r1:2")).then().sends()
    given(payment, *OWED, SECOND, DONE).when(denies("refund:r1:2")).then().sends()


def test_a_second_success_is_found_when_the_ledgers_are_compared() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    once = Movement("p1", "refund", "r1", 200, noon)
    twice = replace(once, at=noon + timedelta(minutes=5))
    window = (noon, noon + timedelta(hours=1), "KES")
    found = compared("bank", [once], [once, twice], *window)
    assert (found.matched, found.only_here, found.different) == (1, [], [])
    assert [(line.refund_id, line.at) for line in found.only_at_provider] == [("r1", twice.at)]
    assert compared("bank", [once], [once], *window).only_at_provider == []


def test_its_status_says_what_its_latest_try_did() -> None:
    assert shown_status(payment.fold(OWED)) == "refund_failed"
    assert shown_status(payment.fold([*OWED, SECOND])) == "captured"
    assert shown_status(payment.fold([*OWED, SECOND, DONE])) == "partially_refunded"
