"""Payments by given, when, then: voided, refunded, and money that comes after the end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from charges import (
    ABOUT,
    ACTION,
    ASK_LATER,
    AUTHORISE,
    AUTHORISED,
    CALL_VOID,
    CAPTURE,
    CAPTURE_ASKED,
    CAPTURED,
    DECLINED,
    FORGET,
    IDS,
    NOW,
    REFUND,
    REQUEST,
    REQUESTED,
    TOKEN,
    TOLD_CAPTURED,
    TOLD_DECLINED,
    TOLD_VOIDED,
    TOMBSTONE,
    VOID,
    VOID_ASKED,
    VOIDED,
    call_refund,
    denies,
    has_none,
    left_open,
    says,
    silent,
)
from chassis.decider import Call
from chassis.testing import given
from payment.domain import commands, facts
from payment.domain.commands import Charge, ChargeRefund
from payment.domain.rules import payment
from soko_contracts import payment as told


class TestVoiding:
    def test_before_authorise_is_known_leaves_a_tombstone(self) -> None:
        given(payment).when(VOID).then(TOMBSTONE).sends(TOLD_VOIDED, FORGET)

    def test_turns_the_late_authorise_away(self) -> None:
        given(payment, TOMBSTONE).when(AUTHORISE).then(facts.TurnedAway(**ABOUT, at=NOW, reason="voided")).sends(
            TOLD_VOIDED, FORGET
        )

    def test_asks_the_provider_and_is_told_when_it_happened(self) -> None:
        given(payment, REQUESTED, AUTHORISED).when(VOID).then(VOID_ASKED).sends(CALL_VOID)
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED).when(says("voided", 3, call="void")).then(VOIDED).sends(
            TOLD_VOIDED, FORGET
        )

    def test_twice_is_one_call(self) -> None:
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED).when(VOID).then().sends()

    def test_waits_for_the_answer_to_authorise_and_keeps_that_to_itself(self) -> None:
        given(payment, REQUESTED).when(VOID).then(VOID_ASKED).sends()
        given(payment, REQUESTED, VOID_ASKED).when(says("authorised", 2, call="authorise")).then(
            AUTHORISED, VOID_ASKED
        ).sends(FORGET, CALL_VOID)

    def test_comes_before_what_the_payer_has_to_do(self) -> None:
        page = says("requires_action", 1, call="authorise", action="redirect", next_action=TOKEN)
        given(payment, REQUESTED, VOID_ASKED).when(page).then(ACTION, VOID_ASKED).sends(ASK_LATER, CALL_VOID)

    def test_while_the_outcome_is_unknown_asks_at_once(self) -> None:
        given(payment, REQUESTED, left_open("authorise")).when(VOID).then(VOID_ASKED).sends(CALL_VOID)

    def test_that_comes_too_early_for_the_provider_is_asked_for_again(self) -> None:
        history = (REQUESTED, left_open("authorise"), VOID_ASKED)
        given(payment, *history).when(denies("void", "charge_pending", Charge("pending", "ch", 1))).then(
            left_open("void")
        ).sends(ASK_LATER)
        given(payment, *history, left_open("void")).when(says("authorised", 2)).then(AUTHORISED, VOID_ASKED).sends(
            FORGET, CALL_VOID
        )

    def test_of_a_charge_that_the_provider_never_had_is_done(self) -> None:
        given(payment, REQUESTED, left_open("authorise", None), VOID_ASKED).when(has_none("void")).then(
            TOMBSTONE
        ).sends(TOLD_VOIDED, FORGET)

    def test_of_a_payer_who_has_to_act_ends_that(self) -> None:
        given(payment, REQUESTED, ACTION).when(VOID).then(VOID_ASKED).sends(CALL_VOID)
        given(payment, REQUESTED, ACTION, VOID_ASKED, left_open("void")).when(says("requires_action", 1)).then(
            VOID_ASKED
        ).sends(CALL_VOID)

    def test_that_waited_for_a_call_without_an_answer_waits_no_longer(self) -> None:
        given(payment, REQUESTED, VOID_ASKED).when(silent("authorise")).then(
            left_open("authorise", None), VOID_ASKED
        ).sends(ASK_LATER, Call("card.void", "p1:void", {**REQUEST, "charge_id": None}))
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED, VOID_ASKED).when(silent("capture")).then(
            left_open("capture", None), VOID_ASKED
        ).sends(ASK_LATER, CALL_VOID)

    def test_is_not_called_again_for_old_news_or_while_its_call_is_out(self) -> None:
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED).when(says("authorised", 2)).then().sends()
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED, left_open("void")).when(says("failed", 1)).then().sends()

    def test_of_an_attempt_that_fails_meanwhile_is_answered_by_that(self) -> None:
        given(payment, REQUESTED, VOID_ASKED).when(says("failed", reason="declined")).then(DECLINED).sends(
            TOLD_DECLINED, FORGET
        )

    def test_while_a_capture_is_out_waits_for_it(self) -> None:
        history = (REQUESTED, AUTHORISED, CAPTURE_ASKED)
        given(payment, *history).when(VOID).then(VOID_ASKED).sends()
        given(payment, *history, VOID_ASKED).when(says("captured", 3, call="capture", captured=500)).then(
            CAPTURED
        ).sends(TOLD_CAPTURED, FORGET)

    def test_comes_before_a_capture_that_has_not_happened(self) -> None:
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED, VOID_ASKED, left_open("capture")).when(
            says("authorised", 2)
        ).then(VOID_ASKED).sends(CALL_VOID)

    @pytest.mark.parametrize(
        ("history", "answer"),
        [
            ([REQUESTED, DECLINED], TOLD_DECLINED),
            ([REQUESTED, AUTHORISED, CAPTURE_ASKED, CAPTURED], TOLD_CAPTURED),
            ([REQUESTED, AUTHORISED, VOID_ASKED, VOIDED], TOLD_VOIDED),
            ([TOMBSTONE], TOLD_VOIDED),
        ],
    )
    def test_of_what_is_over_says_how_it_ended(self, history: list[Any], answer: Any) -> None:
        given(payment, *history).when(VOID).then(facts.AnsweredAgain()).sends(answer, FORGET)

    def test_by_staff_is_refused_for_what_is_over(self) -> None:
        given(payment, REQUESTED, DECLINED).when(replace(VOID, strict=True)).refuses("payment-over")

    def test_stops_a_capture_that_comes_after_it(self) -> None:
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED).when(CAPTURE).then().sends()


class TestMoneyAfterTheEnd:
    def test_a_promise_after_the_tombstone_is_voided_and_nobody_is_told(self) -> None:
        history = (REQUESTED, left_open("authorise", None), VOID_ASKED, TOMBSTONE)
        given(payment, *history).when(says("authorised", 2)).then(facts.PromiseLeft("ch", 2), VOID_ASKED).sends(
            CALL_VOID
        )
        given(payment, *history, facts.PromiseLeft("ch", 2), VOID_ASKED).when(says("voided", 3, call="void")).then(
            facts.PromiseGone("ch", 3, voided=True)
        ).sends()

    def test_a_promise_after_a_failure_is_voided(self) -> None:
        given(payment, REQUESTED, DECLINED).when(says("authorised", 2)).then(
            facts.PromiseLeft("ch", 2), VOID_ASKED
        ).sends(CALL_VOID)

    def test_money_after_the_void_is_told_as_captured_for_the_order_to_refund(self) -> None:
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED, VOIDED).when(says("captured", 4, captured=500)).then(
            facts.Captured("ch", 4, 500)
        ).sends(TOLD_CAPTURED, FORGET)

    def test_money_after_the_void_of_a_payment_without_an_order_goes_back_by_itself(self) -> None:
        alone = replace(REQUESTED, order_id=None, number=None)
        void = replace(VOIDED, order_id=None)
        then = given(payment, alone, AUTHORISED, VOID_ASKED, void).when(says("captured", 4, captured=500))
        then.then(facts.Captured("ch", 4, 500), facts.RefundAsked("p1-late", 500))

    def test_money_for_a_payment_without_an_order_goes_back_only_when_nobody_wants_it(self) -> None:
        alone, taken = replace(REQUESTED, order_id=None, number=None), says("captured", 3, captured=500)
        back = facts.RefundAsked("p1-late", 500)
        given(payment, alone, AUTHORISED, CAPTURE_ASKED).when(taken).then(CAPTURED)
        given(payment, alone, AUTHORISED, CAPTURE_ASKED, VOID_ASKED).when(taken).then(CAPTURED, back)
        given(payment, alone, replace(DECLINED, order_id=None)).when(taken).then(CAPTURED, back)

    def test_where_changes_are_not_counted_what_is_known_to_be_voided_stays_so(self) -> None:
        void = facts.Voided("p1", "o1", "ch", 0, at_provider=True)
        given(payment, REQUESTED, facts.Authorised("ch", 0), VOID_ASKED, void).when(
            says("authorised", 0)
        ).then().sends()

    def test_a_void_that_is_told_after_the_money_is_none(self) -> None:
        paid = (REQUESTED, AUTHORISED, CAPTURE_ASKED, CAPTURED)
        given(payment, *paid).when(says("voided", 3)).then().sends()

    def test_a_promise_that_the_provider_knows_nothing_of_is_gone(self) -> None:
        failed = facts.Failed("p1", "o1", None, 0, "declined")
        history = (REQUESTED, failed, facts.PromiseLeft(None, 0), VOID_ASKED)
        then = given(payment, *history).when(has_none("void")).then(facts.PromiseGone(None, 0, voided=False)).sends()
        assert not then.state.wants_void

    def test_an_old_webhook_after_the_end_is_not_money(self) -> None:
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED, VOIDED).when(says("authorised", 2)).then().sends()
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED, VOIDED).when(says("authorised", 0)).then().sends()
        given(payment, REQUESTED, replace(DECLINED, revision=3)).when(says("authorised", 2)).then().sends()

    def test_a_promise_that_the_provider_already_voided_is_recorded(self) -> None:
        given(payment, REQUESTED, left_open("authorise", None), VOID_ASKED, TOMBSTONE).when(says("voided", 3)).then(
            facts.PromiseGone("ch", 3, voided=True)
        ).sends()

    def test_voiding_it_is_tried_until_the_provider_has_done_it(self) -> None:
        history = (REQUESTED, DECLINED, facts.PromiseLeft("ch", 2), VOID_ASKED)
        given(payment, *history).when(silent("void")).then(left_open("void", None)).sends(ASK_LATER)
        given(payment, *history, left_open("void")).when(says("authorised", 2)).then(VOID_ASKED).sends(CALL_VOID)
        given(payment, *history, left_open("void")).when(says("failed", 3)).then(
            facts.PromiseGone("ch", 3, voided=False)
        )
        given(payment, *history, left_open("void")).when(commands.Ask(NOW, 30)).then(
            facts.Asked(NOW + timedelta(seconds=60), 60)
        )


class TestRefunding:
    PAID = (REQUESTED, AUTHORISED, CAPTURE_ASKED, CAPTURED)
    ASKED = facts.RefundAsked("r1", 200)
    DONE = facts.Refunded("r1", 200, 4)
    BACK = told.Refunded(**IDS, refund_id="r1", amount=200, currency="KES")
    OWED = told.RefundFailed(**IDS, refund_id="r1", amount=200, currency="KES", reason="declined")

    def gave(self, *refunds: ChargeRefund, revision: int = 4, call: str | None = None) -> commands.Report:
        return says("captured", revision, call=call, captured=500, refunds=refunds)

    def test_asks_the_provider_and_is_told_when_it_happened(self) -> None:
        given(payment, *self.PAID).when(REFUND).then(self.ASKED).sends(call_refund())
        answer = self.gave(ChargeRefund("r1", 200, "succeeded"), call="refund:r1")
        given(payment, *self.PAID, self.ASKED).when(answer).then(self.DONE).sends(self.BACK)

    def test_twice_is_one_refund(self) -> None:
        given(payment, *self.PAID, self.ASKED).when(REFUND).then().sends()
        given(payment, *self.PAID, self.ASKED, self.DONE).when(REFUND).then(facts.AnsweredAgain("r1")).sends(self.BACK)

    def test_never_gives_more_back_than_was_taken(self) -> None:
        no = facts.RefundFailed("p1", "o1", "r2", 301, "exceeds_captured")
        given(payment, *self.PAID, self.ASKED).when(replace(REFUND, refund_id="r2", amount=301)).then(no)
        unnamed = replace(REFUND, order_id=None, refund_id="r2", amount=301)
        given(payment, *self.PAID, self.ASKED).when(unnamed).then(no)
        for nothing in (0, -1):
            none = replace(no, amount=nothing)
            given(payment, *self.PAID).when(replace(REFUND, refund_id="r2", amount=nothing)).then(none)
        yes = facts.RefundAsked("r2", 300)
        given(payment, *self.PAID, self.ASKED).when(replace(REFUND, refund_id="r2", amount=300)).then(yes)

    def test_of_what_was_never_taken_fails(self) -> None:
        no = facts.RefundFailed("p1", "o1", "r1", 200, "nothing_captured")
        given(payment, REQUESTED, AUTHORISED).when(REFUND).then(no)
        answer = told.RefundFailed(**IDS, refund_id="r1", amount=200, currency="XXX", reason="nothing_captured")
        given(payment).when(REFUND).then(no).sends(answer)

    def test_refused_by_the_provider_stays_owed(self) -> None:
        failed = facts.RefundFailed("p1", "o1", "r1", 200, "declined")
        given(payment, *self.PAID, self.ASKED).when(denies("refund:r1")).then(failed).sends(self.OWED)
        told_later = self.gave(ChargeRefund("r1", 200, "failed", "declined"))
        given(payment, *self.PAID, self.ASKED).when(told_later).then(failed)

    def test_is_not_called_again_by_an_answer_that_does_not_tell(self) -> None:
        given(payment, *self.PAID, self.ASKED).when(self.gave(revision=3, call="refund:r1")).then(
            left_open("refund:r1")
        ).sends(ASK_LATER)

    def test_that_failed_says_why_and_only_once(self) -> None:
        closed = self.gave(ChargeRefund("r1", 200, "failed", "closed"))
        failed = facts.RefundFailed("p1", "o1", "r1", 200, "closed")
        given(payment, *self.PAID, self.ASKED).when(closed).then(failed)
        given(payment, *self.PAID, self.ASKED, failed).when(closed).then().sends()
        given(payment, *self.PAID, self.ASKED, self.DONE).when(closed).then().sends()
        given(payment, *self.PAID, self.ASKED).when(self.gave(ChargeRefund("r1", 200, "failed"))).then(
            replace(failed, reason="declined")
        )

    def test_that_nobody_here_asked_for_and_that_failed_is_no_news(self) -> None:
        given(payment, *self.PAID).when(self.gave(ChargeRefund("theirs", 100, "failed"))).then().sends()

    def test_without_an_answer_is_asked_about_and_called_again_when_it_has_not_happened(self) -> None:
        history = (*self.PAID, self.ASKED, left_open("refund:r1"))
        given(payment, *history).when(self.gave(revision=3)).then(self.ASKED).sends(call_refund())
        given(payment, *history).when(self.gave(ChargeRefund("r1", 200, "pending"))).then()
        given(payment, *history).when(self.gave(ChargeRefund("r1", 200, "succeeded"))).then(self.DONE)

    def test_made_at_the_provider_itself_is_told_too(self) -> None:
        elsewhere = told.Refunded(**IDS, refund_id="theirs", amount=100, currency="KES")
        given(payment, *self.PAID).when(self.gave(ChargeRefund("theirs", 100, "succeeded"))).then(
            facts.Refunded("theirs", 100, 4)
        ).sends(elsewhere)
