"""Payment and the simulated card gateway, wired to each other as the shop wires them; every step driven by hand."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from chassis.fixtures import INTERNAL_KEY, Clock, Harness, fresh_database
from chassis.http import Peers
from chassis.servers.postgres import EmbeddedPostgres
from chassis.world import World, new_id
from payment.service import build as build_payment
from payment.settings import Settings as PaymentSettings
from pydantic import SecretStr
from soko.cardsim import rules
from soko.cardsim.book import existing
from soko.cardsim.service import CardSim
from soko.cardsim.service import build as build_cardsim
from soko.cardsim.settings import Settings as CardSimSettings
from soko_contracts import payment as contracts

LATE = timedelta(minutes=16)
QUIET_AFTER = 12


@dataclass
class Both:
    """One payment at a time, its order played by the test."""

    payment: Harness
    sim: CardSim
    clock: Clock
    payment_id: str

    @property
    def ids(self) -> dict[str, Any]:
        return {"payment_id": self.payment_id, "order_id": "o-1"}

    async def authorise(self, token: str) -> None:
        about: dict[str, Any] = {"number": "SO-1", "customer_id": "c-1", "method": "card", "currency": "KES"}
        await self.order_says(contracts.Authorise(**self.ids, **about, amount=500, token=token))

    async def order_says(self, message: Any) -> None:
        await self.payment.deliver(message, subject="o-1")

    async def let_pass(self, time: timedelta) -> None:
        """Let the bank, the webhooks and the questions have their turn while time passes."""
        for _ in range(QUIET_AFTER):
            self.clock.advance(time / QUIET_AFTER)
            await self.sim.bank_once()
            await self.sim.send_once()
            await self.payment.settle()

    def told(self) -> list[str]:
        return [type(message).__name__ for message in self.payment.sent]

    async def status(self) -> str:
        sql = "select status from payments where id = $1"
        return str(await self.payment.service.database.pool.fetchval(sql, self.payment_id))

    async def ledgers(self) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Ours, and the provider's."""
        ours = await self.payment.service.database.pool.fetch(
            "select kind, amount from movements order by kind, amount"
        )
        theirs = await self.sim.database.pool.fetch(
            "select kind, amount from ledger where kind <> 'authorisation' order by kind, amount"
        )
        return [tuple(row) for row in ours], [tuple(row) for row in theirs]


@pytest.fixture
async def both(running: Callable[..., Any], postgres: EmbeddedPostgres, clock: Clock) -> AsyncIterator[Both]:
    async with running(build_payment, PaymentSettings) as harness:
        settings = CardSimSettings(
            soko_env="testing",
            soko_internal_key=SecretStr(INTERNAL_KEY),
            cardsim_late_after=LATE,
        ).on(await fresh_database(postgres))
        sim = build_cardsim(settings, World(peers=Peers(harness.peers), clock=clock))
        harness.peers["cardsim"] = sim.app
        await sim.migrate()
        await sim.open_database()
        yield Both(harness, sim, clock, new_id())
        await sim.stop()


async def test_a_card_that_works_is_charged_without_waiting_for_a_webhook(both: Both) -> None:
    await both.authorise("tok_success")
    await both.order_says(contracts.Capture(**both.ids, amount=500))
    assert both.told() == ["Started", "Authorised", "Captured"]
    await both.let_pass(timedelta(seconds=3))
    assert both.told() == ["Started", "Authorised", "Captured"], "the webhooks were no news"
    assert await both.ledgers() == ([("capture", 500)], [("capture", 500)])
    assert await both.sim.database.pool.fetchval("select count(*) from webhooks") == 0


@pytest.mark.parametrize(
    ("token", "reason"),
    [("tok_declined", "declined"), ("tok_insufficient_funds", "insufficient_funds"), ("tok_nobody", "invalid_token")],
)
async def test_a_card_that_does_not_work_fails_with_the_banks_reason(both: Both, token: str, reason: str) -> None:
    await both.authorise(token)
    assert both.payment.sent[-1] == contracts.Failed(**both.ids, reason=reason)
    assert await both.ledgers() == ([], [])


async def test_a_bank_that_is_slow_is_heard_by_webhook(both: Both) -> None:
    await both.authorise("tok_slow")
    assert both.told() == ["Started"]
    await both.let_pass(timedelta(seconds=4))
    assert both.told() == ["Started", "Authorised"]


async def test_a_webhook_that_never_comes_is_made_up_for_by_asking(both: Both) -> None:
    await both.authorise("tok_slow")
    both.clock.advance(timedelta(seconds=4))
    await both.sim.bank_once()
    await both.sim.database.pool.execute("delete from webhooks")
    await both.payment.settle()
    assert both.told() == ["Started"]
    both.clock.advance(timedelta(seconds=30))
    await both.payment.settle()
    assert both.told() == ["Started", "Authorised"]


async def test_every_webhook_twice_and_out_of_order_is_each_thing_once(both: Both) -> None:
    await both.authorise("tok_duplicate")
    await both.sim.bank_once()
    await both.sim.send_once()
    await both.payment.settle()
    await both.order_says(contracts.Capture(**both.ids, amount=500))
    await both.let_pass(timedelta(seconds=3))
    assert both.told() == ["Started", "Authorised", "Captured"]
    assert await both.ledgers() == ([("capture", 500)], [("capture", 500)])


async def test_a_bank_that_never_answers_is_asked_and_voided_in_the_end(both: Both) -> None:
    await both.authorise("tok_timeout")
    await both.let_pass(timedelta(minutes=15))
    assert both.told() == ["Started"], "silence is not a failure"
    await both.order_says(contracts.Void(**both.ids))
    assert both.told() == ["Started", "Voided"]
    assert await both.ledgers() == ([("void", 500)], [("void", 500)])


async def test_what_the_bank_promises_after_the_cancel_is_given_back(both: Both) -> None:
    await both.authorise("tok_late")
    await both.let_pass(timedelta(minutes=15))
    await both.order_says(contracts.Void(**both.ids))
    assert both.told() == ["Started"]
    await both.let_pass(timedelta(minutes=2))
    assert both.told() == ["Started", "Voided"]
    assert await both.ledgers() == ([("void", 500)], [("void", 500)])


async def test_a_void_that_meets_the_capture_on_its_way_is_answered_by_it(both: Both) -> None:
    await both.authorise("tok_success")
    capture, void = contracts.Capture(**both.ids, amount=500), contracts.Void(**both.ids)
    await both.payment.deliver(capture, void, subject="o-1")
    assert both.told() == ["Started", "Authorised", "Captured"]
    await both.order_says(contracts.Refund(**both.ids, refund_id="r-1", amount=500))
    await both.order_says(contracts.Refund(**both.ids, refund_id="r-1", amount=500))
    assert both.told()[3:] == ["Refunded", "Refunded"]
    assert await both.status() == "refunded"
    assert await both.ledgers() == ([("capture", 500), ("refund", 500)], [("capture", 500), ("refund", 500)])


class TestTheBanksPage:
    async def next_action(self, both: Both) -> dict[str, Any] | None:
        answer = await both.payment.client.get(
            f"/internal/v1/payments/{both.payment_id}/next-action", headers=both.payment.service_token("order")
        )
        assert answer.status_code == 200
        found: dict[str, Any] | None = answer.json()["next_action"]
        return found

    async def press(self, both: Both, decision: str) -> None:
        action = await self.next_action(both)
        assert action is not None
        path = action["url"].removeprefix("http://127.0.0.1:8000/cardsim")
        transport = httpx.ASGITransport(app=both.sim.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank") as browser:
            answer = await browser.post(path, data={"decision": decision})
        assert (answer.status_code, "order_id=o-1" in answer.headers["location"]) == (303, True)

    async def test_is_shown_to_the_payer_until_they_approve(self, both: Both) -> None:
        await both.authorise("tok_3ds")
        assert both.payment.sent[-1] == contracts.ActionRequired(**both.ids, action="redirect")
        await self.press(both, "approve")
        await both.let_pass(timedelta(seconds=1))
        assert both.told() == ["Started", "ActionRequired", "Authorised"]
        assert await self.next_action(both) is None

    async def test_a_no_fails_the_attempt(self, both: Both) -> None:
        await both.authorise("tok_3ds")
        await self.press(both, "decline")
        await both.let_pass(timedelta(seconds=1))
        assert both.payment.sent[-1] == contracts.Failed(**both.ids, reason="declined_by_payer")

    async def test_nobody_presses_anything_until_the_order_gives_up(self, both: Both) -> None:
        await both.authorise("tok_3ds")
        await both.let_pass(timedelta(minutes=15))
        await both.order_says(contracts.Void(**both.ids))
        assert both.told() == ["Started", "ActionRequired", "Voided"]
        assert await self.next_action(both) is None

    async def test_its_address_stands_in_no_event_and_no_message(self, both: Both) -> None:
        await both.authorise("tok_3ds")
        action = await self.next_action(both)
        assert action is not None
        pool = both.payment.service.database.pool
        for table in ("events", "published", "outbox", "done", "calls", "inbox"):
            found = await pool.fetch(f"select row_to_json({table})::text as row from {table}")
            assert not [row for row in found if "3ds/" in row["row"] or "tok_3ds" in row["row"]], table


async def test_nothing_is_left_of_the_token_once_the_bank_has_answered(both: Both) -> None:
    await both.authorise("tok_success")
    pool = both.payment.service.database.pool
    for table in ("events", "published", "outbox", "done", "payments", "calls", "inbox", "subject_keys"):
        found = await pool.fetch(f"select row_to_json({table})::text as row from {table}")
        assert not [row for row in found if "tok_success" in row["row"]], table
    assert await pool.fetchval("select count(*) from subject_keys") == 0


async def test_a_gateway_that_is_down_is_tried_again_under_the_same_key(both: Both) -> None:
    gateway = both.payment.peers.pop("cardsim")
    await both.authorise("tok_success")
    assert both.told() == ["Started"]
    both.payment.peers["cardsim"] = gateway
    both.clock.advance(timedelta(seconds=2))
    await both.payment.settle()
    assert both.told() == ["Started", "Authorised"]
    assert await both.sim.database.pool.fetchval("select count(*) from charges") == 1


async def test_a_card_is_not_charged_any_more_once_nobody_wants_it(both: Both) -> None:
    gateway = both.payment.peers.pop("cardsim")
    await both.authorise("tok_success")
    await both.order_says(contracts.Void(**both.ids))
    assert both.told() == ["Started"], "the try that got no answer may have been a charge"
    both.payment.peers["cardsim"] = gateway
    await both.let_pass(timedelta(seconds=3))
    assert both.told() == ["Started", "Voided"]
    assert await both.sim.database.pool.fetchval("select count(*) from charges") == 0
    assert await both.ledgers() == ([], [])


async def test_an_answer_that_was_lost_is_the_same_charge(both: Both) -> None:
    async def loses_the_answer(scope: Any, receive: Any, send: Any) -> None:
        async def swallow(message: Any) -> None:
            raise ConnectionResetError

        await both.sim.app(scope, receive, swallow)

    gateway = both.payment.peers["cardsim"]
    both.payment.peers["cardsim"] = loses_the_answer
    await both.authorise("tok_success")
    assert await both.sim.database.pool.fetchval("select count(*) from charges") == 1
    both.payment.peers["cardsim"] = gateway
    both.clock.advance(timedelta(seconds=2))
    await both.payment.settle()
    await both.let_pass(timedelta(seconds=1))
    assert both.told() == ["Started", "Authorised"]
    assert await both.sim.database.pool.fetchval("select count(*) from charges") == 1


async def test_a_gateway_that_stays_down_is_given_up_and_the_attempt_with_it(both: Both) -> None:
    gateway = both.payment.peers.pop("cardsim")
    await both.authorise("tok_success")
    await both.let_pass(timedelta(minutes=5))
    assert both.told() == ["Started"]
    both.payment.peers["cardsim"] = gateway
    await both.let_pass(timedelta(hours=1))
    assert both.payment.sent[-1] == contracts.Failed(**both.ids, reason="no_answer")


async def refused(both: Both) -> contracts.Refund:
    """The second try of a refund that the bank refused."""
    await both.authorise("tok_unsettled")
    await both.order_says(contracts.Capture(**both.ids, amount=500))
    first = contracts.Refund(payment_id=both.payment_id, order_id="o-1", refund_id="r-1", amount=500)
    await both.order_says(first)
    assert both.payment.sent[-1] == contracts.RefundFailed(
        **both.ids, refund_id="r-1", amount=500, currency="KES", reason="charge_unsettled"
    )
    assert await both.status() == "refund_failed"
    return replace(first, tries=2)


async def test_a_refund_that_the_bank_refused_is_made_when_it_is_tried_again(both: Both) -> None:
    second = await refused(both)
    await both.order_says(second)
    assert (both.payment.sent[-1].tries, await both.status()) == (2, "refund_failed")
    both.clock.advance(timedelta(minutes=1))
    await both.order_says(second)
    assert both.payment.sent[-1].tries == 2, "the same try is not another one"
    third = replace(second, tries=3)
    await both.order_says(third)
    await both.order_says(third)
    await both.let_pass(timedelta(seconds=3))
    assert both.told()[-2:] == ["Refunded", "Refunded"]
    assert await both.status() == "refunded"
    assert await both.ledgers() == ([("capture", 500), ("refund", 500)], [("capture", 500), ("refund", 500)])
    keys = await both.sim.database.pool.fetch("select key from ledger where kind = 'refund'")
    assert [row["key"] for row in keys] == [f"{both.payment_id}:refund:r-1:3"]


async def test_a_refund_that_went_through_after_all_is_not_made_again(both: Both) -> None:
    """Nobody has heard of it before the second try is asked for."""
    second = await refused(both)
    both.clock.advance(timedelta(minutes=1))
    await both.sim.book.change(
        lambda charge: rules.refund(existing(charge), "r-1", 500, "the bank's own", both.clock()),
        reference=both.payment_id,
    )
    asked: list[str] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["method"])
        await both.sim.app(scope, receive, send)

    both.payment.peers["cardsim"] = noting
    await both.order_says(second)
    assert asked == ["GET"], "a provider that knows refunds only by their keys would have made another"
    await both.let_pass(timedelta(seconds=3))
    assert both.told()[-1] == "Refunded"
    assert both.told().count("Refunded") == 1
    assert await both.ledgers() == ([("capture", 500), ("refund", 500)], [("capture", 500), ("refund", 500)])


async def test_a_refund_that_was_made_twice_all_the_same_is_seen_by_reconciling(both: Both) -> None:
    second = await refused(both)
    both.clock.advance(timedelta(minutes=1))
    await both.order_says(second)
    await both.sim.database.pool.execute(
        "insert into ledger (charge_id, reference, kind, refund_id, amount, currency, at) "
        "select charge_id, reference, kind, refund_id, amount, currency, $1 from ledger where kind = 'refund'",
        both.clock(),
    )
    both.clock.advance(timedelta(seconds=1))
    staff = both.payment.bearer(role="staff", rights=["payments:read"])
    (found,) = (await both.payment.client.get("/api/v1/payments/reconciliation", headers=staff)).json()["providers"]
    assert (found["matched"], found["only_here"], found["different"]) == (2, [], [])
    assert [(line["kind"], line["refund_id"]) for line in found["only_at_provider"]] == [("refund", "r-1")]


async def test_the_ledgers_are_reconciled(both: Both) -> None:
    await both.authorise("tok_success")
    await both.order_says(contracts.Capture(**both.ids, amount=500))
    staff = both.payment.bearer(role="staff", rights=["payments:read"])
    both.clock.advance(timedelta(seconds=1))
    answer = (await both.payment.client.get("/api/v1/payments/reconciliation", headers=staff)).json()
    assert answer["providers"] == [
        {"provider": "cardsim", "matched": 1, "only_here": [], "only_at_provider": [], "different": []}
    ]
    await both.sim.database.pool.execute(
        "insert into ledger (charge_id, reference, kind, amount, currency, at) "
        "values ('ch', 'p', 'capture', 7, 'KES', $1)",
        both.clock() - timedelta(milliseconds=500),
    )
    await both.payment.service.database.pool.execute("update movements set amount = 400")
    (found,) = (await both.payment.client.get("/api/v1/payments/reconciliation", headers=staff)).json()["providers"]
    assert found["matched"] == 0
    assert [line["payment_id"] for line in found["only_at_provider"]] == ["p"]
    assert [line["here"]["amount"] for line in found["different"]] == ["4.00"]
