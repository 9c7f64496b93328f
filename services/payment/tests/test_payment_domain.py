"""Payments by given, when, then: promised, taken, and what silence means."""

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
    CALL_AUTHORISE,
    CALL_CAPTURE,
    CALL_VOID,
    CAPTURE,
    CAPTURE_ASKED,
    CAPTURED,
    DECLINED,
    FORGET,
    IDS,
    NOW,
    REQUEST,
    REQUESTED,
    SUM,
    TOKEN,
    TOLD_AUTHORISED,
    TOLD_CAPTURED,
    TOLD_DECLINED,
    VOID_ASKED,
    denies,
    has_none,
    left_open,
    says,
    silent,
)
from chassis.decider import After, Call
from chassis.testing import given
from payment.domain import commands, facts
from payment.domain.commands import Charge
from payment.domain.rules import payment
from soko_contracts import payment as told


class TestAuthorising:
    def test_asks_the_provider_once_under_a_stable_key_and_tells_that_it_started(self) -> None:
        given(payment).when(AUTHORISE).then(REQUESTED).sends(told.Started(**SUM), CALL_AUTHORISE)

    def test_again_while_the_provider_has_not_answered_changes_nothing(self) -> None:
        given(payment, REQUESTED).when(AUTHORISE).then().sends()
        given(payment, REQUESTED, AUTHORISED, VOID_ASKED).when(AUTHORISE).then().sends()

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
        then = given(payment).when(replace(AUTHORISE, method="shells")).then(away).sends(failed, FORGET)
        assert then.state.status is facts.Status.FAILED

    def test_by_cash_asks_who_collects_it(self) -> None:
        cash = replace(REQUESTED, method="cash_on_delivery")
        given(payment).when(replace(AUTHORISE, method="cash_on_delivery")).then(cash)

    def test_a_yes_is_told_and_the_token_forgotten(self) -> None:
        given(payment, REQUESTED).when(says("authorised", 2, call="authorise")).then(AUTHORISED).sends(
            TOLD_AUTHORISED, FORGET
        )

    def test_a_no_is_told_with_its_reason(self) -> None:
        no = says("failed", 1, call="authorise", reason="declined")
        given(payment, REQUESTED).when(no).then(DECLINED).sends(TOLD_DECLINED, FORGET)

    def test_a_no_without_a_reason_is_a_no(self) -> None:
        given(payment, REQUESTED).when(says("failed", 1)).then(DECLINED)
        given(payment, REQUESTED).when(says("failed", 1, reason="stolen")).then(replace(DECLINED, reason="stolen"))

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

    def test_how_the_payer_has_to_act(self) -> None:
        phone = says("requires_action", 1, call="authorise", action="confirm_on_phone", next_action=TOKEN)
        given(payment, REQUESTED).when(phone).then(replace(ACTION, action="confirm_on_phone"))
        unsaid = says("requires_action", 1, call="authorise", next_action=TOKEN)
        given(payment, REQUESTED).when(unsaid).then(ACTION)

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

    @pytest.mark.parametrize(
        "open_",
        [
            [ACTION],
            [AUTHORISED, CAPTURE_ASKED, left_open("capture")],
            [AUTHORISED, VOID_ASKED, left_open("void")],
            [AUTHORISED, CAPTURE_ASKED, CAPTURED, facts.RefundAsked("r1", 200), left_open("refund:r1")],
        ],
    )
    def test_the_timer_asks_about_whatever_is_open(self, open_: list[Any]) -> None:
        given(payment, REQUESTED, *open_).when(commands.Ask(NOW, 30)).then(facts.Asked(NOW + timedelta(seconds=60), 60))

    def test_no_answer_about_what_nobody_asked_leaves_nothing_open(self) -> None:
        for unknown in ("refund:r9", "dance"):
            given(payment, REQUESTED, AUTHORISED).when(silent(unknown)).then().sends()

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

    def test_a_provider_that_has_it_not_any_more_settles_nothing_that_it_had(self) -> None:
        """Where the provider does not count its changes, an old answer looks as new as any."""
        given(payment, REQUESTED, left_open("authorise", "ch")).when(has_none()).then()
        given(payment, REQUESTED, facts.Authorised(None, 0)).when(has_none()).then()

    def test_the_webhook_may_come_before_the_answer_to_the_call(self) -> None:
        given(payment, REQUESTED, AUTHORISED).when(says("pending", 1, call="authorise")).then().sends()
        given(payment, REQUESTED, AUTHORISED).when(says("authorised", 2, call="authorise")).then().sends()
        given(payment, REQUESTED, AUTHORISED).when(silent("authorise")).then().sends()


class TestCapturing:
    def test_asks_the_provider(self) -> None:
        given(payment, REQUESTED, AUTHORISED).when(CAPTURE).then(CAPTURE_ASKED).sends(CALL_CAPTURE)

    @pytest.mark.parametrize("open_", [[], [ACTION], [AUTHORISED]])
    @pytest.mark.parametrize("before", [CAPTURE_ASKED, VOID_ASKED])
    def test_twice_is_one_call_and_after_a_void_none(self, open_: list[Any], before: Any) -> None:
        given(payment, REQUESTED, *open_, before).when(CAPTURE).then().sends()

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
        given(payment, REQUESTED, ACTION).when(CAPTURE).then(CAPTURE_ASKED).sends()
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

    @pytest.mark.parametrize("amount", [501, 0, -1])
    def test_of_more_than_was_authorised_or_nothing_ends_the_attempt_and_gives_the_promise_back(
        self, amount: int
    ) -> None:
        failed = facts.Failed("p1", "o1", "ch", 2, "amount_exceeds_authorised")
        given(payment, REQUESTED, AUTHORISED).when(replace(CAPTURE, amount=amount)).then(
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

    def test_is_not_called_again_by_an_answer_that_does_not_tell(self) -> None:
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED).when(says("authorised", 2, call="capture")).then(
            left_open("capture")
        ).sends(ASK_LATER)

    def test_is_not_called_again_while_its_call_is_out(self) -> None:
        given(payment, REQUESTED, AUTHORISED, CAPTURE_ASKED).when(says("authorised", 2)).then().sends()

    def test_is_called_again_only_when_the_provider_shows_that_it_has_not_happened(self) -> None:
        open_ = (REQUESTED, AUTHORISED, CAPTURE_ASKED, left_open("capture"))
        given(payment, *open_).when(says("pending", 1)).then().sends()

    def test_by_staff_is_refused_where_nothing_is_authorised(self) -> None:
        strict = replace(CAPTURE, strict=True)
        for history in ([], [VOID_ASKED], [CAPTURE_ASKED], [AUTHORISED, VOID_ASKED], [AUTHORISED, CAPTURE_ASKED]):
            given(payment, REQUESTED, *history).when(strict).refuses("payment-not-authorised")
        for amount in (501, 0, -1):
            given(payment, REQUESTED, AUTHORISED).when(replace(strict, amount=amount)).refuses("amount-too-large")
        for amount in (1, 500):
            given(payment, REQUESTED, AUTHORISED).when(replace(strict, amount=amount)).then(
                facts.CaptureAsked(amount, None)
            )

    def test_an_authorisation_that_ran_out_at_the_provider_fails(self) -> None:
        expired = facts.Failed("p1", "o1", "ch", 3, "voided_by_provider", at_provider_voided=True)
        given(payment, REQUESTED, AUTHORISED).when(says("voided", 3)).then(expired)
        given(payment, REQUESTED, AUTHORISED).when(says("voided", 3, reason="expired")).then(
            replace(expired, reason="expired")
        )


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


class TestMemory:
    """What later decisions and the views stand on."""

    def test_whose_it_is_and_when_it_began_is_kept(self) -> None:
        state = payment.fold([REQUESTED])
        assert (state.number, state.customer_id, state.created_at) == ("SO-1", "c1", NOW)

    def test_what_is_over_takes_nothing_more(self) -> None:
        assert payment.fold([REQUESTED, AUTHORISED, CAPTURE_ASKED, DECLINED]).capturing == 0

    def test_what_staff_wrote_and_the_receipt_are_kept(self) -> None:
        assert payment.fold([replace(REQUESTED, reference="INV-1")]).reference == "INV-1"
        assert payment.fold([REQUESTED, AUTHORISED, facts.CaptureAsked(500, "R-17")]).receipt == "R-17"

    def test_a_charge_once_named_keeps_its_name(self) -> None:
        open_: list[facts.Event] = [REQUESTED, AUTHORISED, CAPTURE_ASKED, left_open("capture", None)]
        assert payment.fold(open_).charge_id == "ch"

    def test_questions_are_counted_from_the_last_call_that_came_back(self) -> None:
        asked: list[facts.Event] = [REQUESTED, left_open("authorise"), facts.Asked(NOW, 60), facts.Asked(NOW, 120)]
        assert payment.fold(asked).asks == 2
        assert payment.fold([*asked, ACTION]).asks == 0
        assert payment.fold([*asked, left_open("void")]).asks == 0

    def test_money_ends_the_search_for_a_promise(self) -> None:
        assert not payment.fold([REQUESTED, DECLINED, facts.PromiseLeft("ch", 2), CAPTURED]).wants_void

    def test_a_refund_is_as_new_as_the_report_of_it(self) -> None:
        paid: list[facts.Event] = [REQUESTED, AUTHORISED, CAPTURE_ASKED, CAPTURED]
        assert payment.fold([*paid, facts.Refunded("r1", 200, 4)]).revision == 4
