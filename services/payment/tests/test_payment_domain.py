"""The rules of a payment, one sentence each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chassis.decider import After, Call, Forget
from chassis.testing import given
from payment.domain import commands, facts
from payment.domain.commands import Charge, ChargeRefund
from payment.domain.rules import payment
from soko_contracts import payment as told
from soko_contracts.sealed import Sealed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOKEN = Sealed("p1", "box")
IDS: dict[str, Any] = {"payment_id": "p1", "order_id": "o1"}
ABOUT: dict[str, Any] = {
    **IDS,
    "number": "SO-1",
    "customer_id": "c1",
    "method": "card",
    "amount": 500,
    "currency": "KES",
}
SUM: dict[str, Any] = {**IDS, "method": "card", "amount": 500, "currency": "KES"}

AUTHORISE = commands.Authorise(**ABOUT, now=NOW, token=TOKEN)
CAPTURE = commands.Capture("p1", "o1", 500)
VOID = commands.Void("p1", "o1")
REFUND = commands.Refund("p1", "o1", "r1", 200)

REQUESTED = facts.Requested(**ABOUT, at=NOW, token=TOKEN, phone=None, reference=None)
AUTHORISED = facts.Authorised("ch", 2)
CAPTURE_ASKED = facts.CaptureAsked(500, None)
CAPTURED = facts.Captured("ch", 3, 500)
VOID_ASKED = facts.VoidAsked()
VOIDED = facts.Voided("p1", "o1", "ch", 3, at_provider=True)
TOMBSTONE = facts.Voided("p1", "o1", None, 0, at_provider=False)
DECLINED = facts.Failed("p1", "o1", "ch", 1, "declined")
ACTION = facts.ActionRequired("ch", 1, "redirect", TOKEN, NOW + timedelta(seconds=30), 30)

REQUEST = {"payment_id": "p1", "order_id": "o1", "charge_id": None, "amount": 500, "currency": "KES"}
CALL_AUTHORISE = Call("card.authorise", "p1:authorise", {**REQUEST, "number": "SO-1", "token": TOKEN, "phone": None})
CALL_CAPTURE = Call("card.capture", "p1:capture", {**REQUEST, "charge_id": "ch", "take": 500, "receipt": None})
CALL_VOID = Call("card.void", "p1:void", {**REQUEST, "charge_id": "ch"})
FORGET = Forget("p1")
ASK_LATER = After("ask", NOW + timedelta(seconds=30), commands.Ask(NOW + timedelta(seconds=30), 30))

TOLD_AUTHORISED = told.Authorised(**SUM)
TOLD_CAPTURED = told.Captured(**SUM)
TOLD_VOIDED = told.Voided(**IDS)
TOLD_DECLINED = told.Failed(**IDS, reason="declined")


def call_refund(refund_id: str = "r1", amount: int = 200) -> Call:
    request = {**REQUEST, "charge_id": "ch", "refund_id": refund_id, "give": amount}
    return Call("card.refund", f"p1:refund:{refund_id}", request)


def says(status: Any, revision: int = 1, *, call: str | None = None, **more: Any) -> commands.Report:
    """The provider speaks, by webhook or as the answer to ``call``."""
    return commands.Report(Charge(status, "ch", revision, **more), NOW, 30, call)


def has_none(call: str | None = None) -> commands.Report:
    return commands.Report(Charge("missing"), NOW, 30, call)


def denies(operation: str, reason: str = "declined", charge: Charge | None = None) -> commands.Deny:
    return commands.Deny(operation, reason, NOW, 30, charge)


def silent(operation: str) -> commands.GiveUp:
    return commands.GiveUp(operation, NOW, 30)


def left_open(operation: str, charge_id: str | None = "ch") -> facts.LeftOpen:
    return facts.LeftOpen(operation, charge_id, NOW + timedelta(seconds=30), 30)


class TestAuthorising:
    def test_asks_the_provider_once_under_a_stable_key_and_tells_that_it_started(self) -> None:
        given(payment).when(AUTHORISE).then(REQUESTED).sends(told.Started(**SUM), CALL_AUTHORISE)

    def test_again_while_the_provider_has_not_answered_changes_nothing(self) -> None:
        given(payment, REQUESTED).when(AUTHORISE).then().sends()

    @pytest.mark.parametrize(
        ("history", "answer"),
        [
            ([AUTHORISED], [TOLD_AUTHORISED]),
            ([DECLINED], [TOLD_DECLINED, FORGET]),
            ([AUTHORISED, CAPTURE_ASKED, CAPTURED], [TOLD_CAPTURED, FORGET]),
            ([ACTION], [told.ActionRequired(**IDS, action="redirect")]),
        ],
    )
    def test_again_after_the_answer_is_answered_the_same(self, history: list[Any], answer: list[Any]) -> None:
        given(payment, REQUESTED, *history).when(AUTHORISE).then(facts.AnsweredAgain()).sends(*answer)

    def test_by_a_method_that_does_not_exist_fails_without_asking_anyone(self) -> None:
        away = facts.TurnedAway(**{**ABOUT, "method": "shells"}, at=NOW, reason="method_unavailable")
        failed = told.Failed(**IDS, reason="method_unavailable")
        given(payment).when(replace(AUTHORISE, method="shells")).then(away).sends(failed, FORGET)

    def test_a_yes_is_told_and_the_token_forgotten(self) -> None:
        given(payment, REQUESTED).when(says("authorised", 2, call="authorise")).then(AUTHORISED).sends(
            TOLD_AUTHORISED, FORGET
        )

    def test_a_no_is_told_with_its_reason(self) -> None:
        no = says("failed", 1, call="authorise", reason="declined")
        given(payment, REQUESTED).when(no).then(DECLINED).sends(TOLD_DECLINED, FORGET)

    def test_refused_by_the_provider_fails(self) -> None:
        failed = facts.Failed("p1", "o1", None, 0, "invalid_token")
        given(payment, REQUESTED).when(denies("authorise", "invalid_token")).then(failed).sends(
            told.Failed(**IDS, reason="invalid_token"), FORGET
        )

    def test_money_taken_at_once_is_captured(self) -> None:
        given(payment, REQUESTED).when(says("captured", 3, captured=500)).then(CAPTURED).sends(TOLD_CAPTURED, FORGET)

    def test_the_payer_has_to_act(self) -> None:
        page = says("requires_action", 1, call="authorise", action="redirect", next_action=TOKEN)
        given(payment, REQUESTED).when(page).then(ACTION).sends(
            told.ActionRequired(**IDS, action="redirect"), ASK_LATER
        )

    def test_the_payer_acted(self) -> None:
        given(payment, REQUESTED, ACTION).when(says("authorised", 2)).then(AUTHORISED).sends(TOLD_AUTHORISED, FORGET)

    def test_the_payer_said_no(self) -> None:
        given(payment, REQUESTED, ACTION).when(says("failed", 2, reason="declined")).then(
            replace(DECLINED, revision=2)
        ).sends(TOLD_DECLINED, FORGET)


class TestSilence:
    def test_an_answer_without_an_outcome_is_asked_about_later(self) -> None:
        given(payment, REQUESTED).when(says("pending", call="authorise")).then(left_open("authorise")).sends(ASK_LATER)

    def test_no_answer_at_all_is_unknown_not_failed(self) -> None:
        given(payment, REQUESTED).when(silent("authorise")).then(left_open("authorise", None)).sends(ASK_LATER)

    def test_the_timer_asks_and_waits_twice_as_long_for_the_next_time(self) -> None:
        later = NOW + timedelta(seconds=60)
        ask = Call("card.ask", "p1:ask:1", {**REQUEST, "charge_id": "ch"})
        given(payment, REQUESTED, left_open("authorise")).when(commands.Ask(NOW, 30)).then(
            facts.Asked(later, 60)
        ).sends(ask, After("ask", later, commands.Ask(later, 60)))

    def test_an_hour_is_the_longest_delay(self) -> None:
        then = given(payment, REQUESTED, left_open("authorise")).when(commands.Ask(NOW, 3000))
        then.then(facts.Asked(NOW + timedelta(hours=1), 3600))

    def test_the_timer_asks_nothing_while_a_call_is_out(self) -> None:
        given(payment, REQUESTED).when(commands.Ask(NOW, 30)).then().sends()

    def test_the_timer_asks_nothing_when_nothing_is_open(self) -> None:
        given(payment, REQUESTED, left_open("authorise"), AUTHORISED).when(commands.Ask(NOW, 30)).then().sends()

    def test_the_questions_end_some_day(self) -> None:
        asked = [facts.Asked(NOW, 3600)] * 200
        given(payment, REQUESTED, left_open("authorise"), *asked).when(commands.Ask(NOW, 3600)).then().sends()

    def test_still_pending_is_no_news(self) -> None:
        given(payment, REQUESTED, left_open("authorise")).when(says("pending")).then().sends()

    def test_a_provider_that_never_heard_of_it_settles_it_once_no_call_is_out(self) -> None:
        failed = facts.Failed("p1", "o1", None, 0, "no_answer")
        given(payment, REQUESTED, left_open("authorise", None)).when(has_none()).then(failed)
        given(payment, REQUESTED).when(has_none()).then()

    def test_the_webhook_may_come_before_the_answer_to_the_call(self) -> None:
        given(payment, REQUESTED, AUTHORISED).when(says("pending", 1, call="authorise")).then().sends()
        given(payment, REQUESTED, AUTHORISED).when(says("authorised", 2, call="authorise")).then().sends()
        given(payment, REQUESTED, AUTHORISED).when(silent("authorise")).then().sends()


class TestCapturing:
    def test_asks_the_provider(self) -> None:
        given(payment, REQUESTED, AUTHORISED).when(CAPTURE).then(CAPTURE_ASKED).sends(CALL_CAPTURE)

    def test_twice_is_one_call(self) -> None:
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED).when(CAPTURE).then().sends()

    def test_is_told_when_it_happened(self) -> None:
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED).when(
            says("captured", 3, call="capture", captured=500)
        ).then(CAPTURED).sends(TOLD_CAPTURED, FORGET)

    def test_of_what_is_captured_is_answered_again(self) -> None:
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED, CAPTURED).when(CAPTURE).then(facts.AnsweredAgain()).sends(
            TOLD_CAPTURED, FORGET
        )

    def test_before_the_provider_said_yes_waits_for_that(self) -> None:
        given(payment, REQUESTED).when(CAPTURE).then(CAPTURE_ASKED).sends()
        given(payment, REQUESTED, CAPTURE_ASKED).when(says("authorised", 2)).then(AUTHORISED, CAPTURE_ASKED).sends(
            TOLD_AUTHORISED, FORGET, CALL_CAPTURE
        )

    def test_of_an_unknown_payment_is_answered_and_a_late_authorise_turned_away(self) -> None:
        unknown = facts.Failed("p1", "o1", None, 0, "unknown_payment")
        given(payment).when(CAPTURE).then(unknown).sends(told.Failed(**IDS, reason="unknown_payment"), FORGET)
        given(payment, unknown).when(AUTHORISE).then(facts.TurnedAway(**ABOUT, at=NOW, reason="voided"))

    def test_refused_by_the_provider_ends_the_attempt_and_gives_the_promise_back(self) -> None:
        failed = facts.Failed("p1", "o1", None, 0, "declined")
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED).when(denies("capture")).then(
            failed, facts.PromiseLeft(None, 0), VOID_ASKED
        ).sends(TOLD_DECLINED, FORGET, CALL_VOID)

    def test_of_more_than_was_authorised_ends_the_attempt_and_gives_the_promise_back(self) -> None:
        failed = facts.Failed("p1", "o1", "ch", 2, "amount_exceeds_authorised")
        given(payment, REQUESTED, AUTHORISED).when(replace(CAPTURE, amount=501)).then(
            failed, facts.PromiseLeft("ch", 2), VOID_ASKED
        )

    def test_that_was_refused_because_it_had_happened_is_captured(self) -> None:
        taken = Charge("captured", "ch", 3, 500)
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED).when(denies("capture", "already_captured", taken)).then(
            CAPTURED
        )

    def test_without_an_answer_is_asked_about_and_called_again_when_it_has_not_happened(self) -> None:
        history = (REQUESTED, AUTHORISED, CAPTURE_ASKED)
        given(payment, *history).when(silent("capture")).then(left_open("capture", None)).sends(ASK_LATER)
        given(payment, *history, left_open("capture")).when(says("authorised", 2)).then(CAPTURE_ASKED).sends(
            CALL_CAPTURE
        )
        given(payment, *history, left_open("capture")).when(says("captured", 3, captured=500)).then(CAPTURED)

    def test_by_staff_is_refused_where_nothing_is_authorised(self) -> None:
        given(payment, REQUESTED).when(replace(CAPTURE, strict=True)).refuses("payment-not-authorised")
        given(payment, REQUESTED, AUTHORISED).when(replace(CAPTURE, strict=True, amount=501)).refuses(
            "amount-too-large"
        )

    def test_an_authorisation_that_ran_out_at_the_provider_fails(self) -> None:
        expired = facts.Failed("p1", "o1", "ch", 3, "voided_by_provider", at_provider_voided=True)
        given(payment, REQUESTED, AUTHORISED).when(says("voided", 3)).then(expired)


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

    def test_that_failed_leaves_its_amount_for_another(self) -> None:
        failed = facts.RefundFailed("p1", "o1", "r1", 200, "declined")
        whole = replace(REFUND, refund_id="r2", amount=500)
        given(payment, *self.PAID, self.ASKED, failed).when(whole).then(facts.RefundAsked("r2", 500))

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


def test_news_of_a_payment_nobody_asked_for_is_not_a_payment() -> None:
    given(payment).when(says("captured", 3, captured=500)).then().sends()


def test_cash_is_promised_taken_and_proved_by_a_receipt() -> None:
    cash = replace(REQUESTED, method="cash_on_delivery", token=None)
    yes = commands.Report(Charge("authorised"), NOW, 30, "authorise")
    given(payment, cash).when(yes).then(facts.Authorised(None, 0))
    taking = commands.Capture("p1", "o1", 500, "R-17")
    request = {**REQUEST, "take": 500, "receipt": "R-17"}
    given(payment, cash, facts.Authorised(None, 0)).when(taking).then(facts.CaptureAsked(500, "R-17")).sends(
        Call("cash_on_delivery.capture", "p1:capture", request)
    )
