"""From the wish that somebody is told to a mail at a real server, or in a folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis.world import new_id
from mailing import DATA, Running, Server, files, rows, wish
from notification.calls import TRIES
from notification.erasure import forget_erased
from soko_contracts import identity, inventory, order
from soko_contracts import notification as public

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_without_a_server_a_mail_is_a_file(mailing: Running, tmp_path: Path) -> None:
    async with mailing() as harness:
        await harness.deliver(wish(), subject="u-1")
        (mail,) = files(tmp_path)
        assert (mail["To"], mail["Subject"]) == ("jane@soko.example", "Your order SO-1 is confirmed")
        (row,) = await rows(harness)
        assert mail["Message-ID"] == f"<{row['id']}@soko.example>"
        assert (row["status"], row["recipient"], row["title"]) == ("sent", "j***@soko.example", mail["Subject"])
        assert harness.sent == [public.Sent(notification_id=row["id"], kind="order_confirmed", channel="email")]
        assert [path.name for path in (tmp_path / "mail").iterdir() if path.suffix != ".eml"] == []


async def test_a_mail_reaches_a_real_server(mailing: Running, server: Server) -> None:
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(wish(), subject="u-1")
        assert server.recipients == [["jane@soko.example"]]
        body = server.taken[0].get_body(("html",))
        assert body is not None
        assert "Your order SO-1 is confirmed" in body.get_content()
        assert [row["status"] for row in await rows(harness)] == ["sent"]


async def test_one_cause_and_kind_is_one_mail(mailing: Running, server: Server) -> None:
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(wish(), wish(), subject="u-1")
        await harness.deliver(wish(), wish("order_shipped"), wish(cause="o-2"), subject="u-1")
        assert sorted(mail["Subject"] for mail in server.taken) == [
            "Your order SO-1 is confirmed",
            "Your order SO-1 is confirmed",
            "Your order SO-1 is on its way",
        ]
        assert [row["status"] for row in await rows(harness)] == ["sent"] * 3
        assert [type(message) for message in harness.sent] == [public.Sent] * 3


async def test_a_busy_server_is_asked_again_later_with_the_same_message_id(mailing: Running, server: Server) -> None:
    server.says = ["451 not now", "451 not now"]
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(wish(), subject="u-1")
        assert ([row["status"] for row in await rows(harness)], server.taken) == (["queued"], [])
        for _ in range(2):
            harness.clock.advance(timedelta(seconds=30))
            await harness.settle()
        (row,) = await rows(harness)
        assert row["status"] == "sent"
        assert [mail["Message-ID"] for mail in server.taken] == [f"<{row['id']}@soko.example>"]


async def test_a_server_that_is_away_does_not_lose_a_mail(mailing: Running) -> None:
    server = Server()
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(wish(), subject="u-1")
        assert [row["status"] for row in await rows(harness)] == ["queued"]
        server.controller.start()
        try:
            harness.clock.advance(timedelta(seconds=30))
            await harness.settle()
        finally:
            server.controller.stop()
        assert len(server.taken) == 1


async def test_a_mail_that_the_server_will_never_take_has_failed(mailing: Running, server: Server) -> None:
    server.says = ["554 no"]
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(wish(), subject="u-1")
        (row,) = await rows(harness)
        assert (row["status"], row["reason"], row["sequence"]) == ("failed", "refused", 1)
        failed = public.Failed(notification_id=row["id"], kind="order_confirmed", channel="email", reason="refused")
        assert harness.sent == [failed]
        assert await harness.service.database.pool.fetchval("select count(*) from calls") == 0


async def test_a_server_that_never_comes_back_is_given_up(mailing: Running) -> None:
    async with mailing(smtp_url=Server().url) as harness:
        await harness.deliver(wish(), subject="u-1")
        for _ in range(TRIES):
            harness.clock.advance(timedelta(minutes=6))
            await harness.settle()
        assert [(row["status"], row["reason"]) for row in await rows(harness)] == [("failed", "gave-up")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"contact": {"email": None, "phone": None, "language": "en"}}, "no-address"),
        ({"contact": {"email": None, "phone": "0700", "language": "en"}}, "no-address"),
        ({"contact": {"email": None, "phone": "+254700000001", "language": "en"}, "kind": "welcome"}, "no-address"),
        ({"kind": "birthday"}, "unknown-kind"),
    ],
)
async def test_what_cannot_be_sent_has_failed(mailing: Running, changes: dict[str, Any], reason: str) -> None:
    async with mailing() as harness:
        await harness.deliver(wish(**changes), subject="u-1")
        assert [(row["status"], row["reason"]) for row in await rows(harness)] == [("failed", reason)]


async def test_the_admin_hears_of_new_orders_and_of_low_stock(mailing: Running, tmp_path: Path) -> None:
    totals = order.Totals(subtotal=200, discount=0, shipping=0, tax=0, rounding=0, total=200, currency="KES")
    line = order.OrderLine(sku="KET-1", variant_id="v", name="Kettle", quantity=2, unit_price=100)
    confirmed = order.Confirmed(
        order_id="o-1",
        number="SO-1",
        customer_id=None,
        lines=(line,),
        totals=totals,
        payment_method="card",
        confirmed_at=NOON,
    )
    low = inventory.StockLow(sku="KET-1", available=3, threshold=5)
    async with mailing() as harness:
        await harness.deliver(confirmed, subject="o-1")
        await harness.deliver(confirmed, subject="o-1")
        await harness.deliver(low, low, subject="KET-1")
    mails = files(tmp_path)
    assert {mail["To"] for mail in mails} == {"boss@soko.example"}
    subjects = sorted(mail["Subject"] for mail in mails)
    assert subjects == ["KET-1 is running low", "KET-1 is running low", "New order SO-1"]


async def test_the_admin_hears_once_an_hour_of_what_a_service_gave_up(mailing: Running, tmp_path: Path) -> None:
    def parked(service: str, hour: str, count: int = 1) -> public.Send:
        data = {"service": service, "hour": hour, "count": count, "names": ["order.confirmed.v1"]}
        to: dict[str, Any] = {"subject_id": "admin", "customer_id": None, "contact": {}}
        return wish("message_parked", f"{service} {hour}", data=data, **to)

    noon, one = NOON.isoformat(), (NOON + timedelta(hours=1)).isoformat()
    async with mailing() as harness:
        await harness.deliver(parked("cart", noon), parked("cart", noon, 300), parked("cart", one), subject="admin")
        await harness.deliver(parked("order", noon), subject="admin")
    mails = files(tmp_path)
    assert {mail["To"] for mail in mails} == {"boss@soko.example"}
    subjects = sorted(mail["Subject"] for mail in mails)
    assert subjects == [*["Something was given up in cart"] * 2, "Something was given up in order"]
    told = [mail.as_string() for mail in mails]
    assert (
        sum("cart has given up 1 message or call in the hour from 2026-03-01 12:00 UTC" in each for each in told) == 1
    )
    assert all("\norder.confirmed.v1\n" in each for each in told)


async def test_without_an_admin_nobody_is_told(mailing: Running, tmp_path: Path) -> None:
    async with mailing(admin_email="") as harness:
        await harness.deliver(inventory.StockLow(sku="KET-1", available=3, threshold=5), subject="KET-1")
        assert await rows(harness) == []


async def test_the_demos_admin_is_told_without_being_named(mailing: Running, tmp_path: Path) -> None:
    async with mailing(admin_email="", soko_env="development") as harness:
        await harness.deliver(inventory.StockLow(sku="KET-1", available=3, threshold=5), subject="KET-1")
    assert [mail["To"] for mail in files(tmp_path)] == ["admin@soko.example"]


async def test_an_erased_customer_leaves_no_address_behind(mailing: Running, tmp_path: Path) -> None:
    user_id, other = new_id(), new_id()
    erased = identity.UserErased(user_id=user_id, role="customer", active=False)
    async with mailing() as harness:
        await harness.deliver(wish(subject_id=user_id, customer_id=user_id), subject=user_id)
        await harness.deliver(wish(cause="o-2", subject_id=other, customer_id=other), subject=other)
        await harness.deliver(erased, subject=user_id)
        kept = {row["customer_id"]: (row["recipient"], row["title"], row["status"]) for row in await rows(harness)}
        assert kept[user_id] == (None, None, "sent")
        assert kept[other][0] == "j***@soko.example"
    assert len(files(tmp_path)) == 1


async def test_what_an_order_under_way_tells_an_erased_customer_is_forgotten_as_well(
    mailing: Running, tmp_path: Path
) -> None:
    async with mailing() as harness:
        await harness.deliver(identity.UserErased(user_id="u-1", role="customer", active=False), subject="u-1")
        await harness.deliver(wish(), subject="u-1")
        await harness.deliver(wish(cause="o-2", subject_id="u-2", customer_id="u-2"), subject="u-2")
        assert len(files(tmp_path)) == 2
        assert await forget_erased(harness.service) == "1 messages forgotten"
        kept = {row["subject_id"]: (row["recipient"], row["status"]) for row in await rows(harness)}
        assert kept == {"u-1": (None, "sent"), "u-2": ("j***@soko.example", "sent")}
    assert len(files(tmp_path)) == 1


async def test_an_erased_customer_gets_no_mail_that_was_still_waiting(mailing: Running, server: Server) -> None:
    server.says = ["451 not now"]
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(wish(), subject="u-1")
        await harness.deliver(identity.UserErased(user_id="u-1", role="customer", active=False), subject="u-1")
        harness.clock.advance(timedelta(minutes=10))
        await harness.settle()
        assert server.taken == []
        assert [(row["status"], row["reason"]) for row in await rows(harness)] == [("failed", "erased")]
        assert await harness.service.database.pool.fetchval("select count(*) from calls") == 0


async def test_a_wish_that_was_parked_goes_with_its_customer_and_is_remembered_as_erased(mailing: Running) -> None:
    async with mailing() as harness:
        pool = harness.service.database.pool
        await harness.service.receive([harness.envelope(wish(), subject="u-1")])
        await pool.execute("update inbox set parked_at = received_at where type = 'notification.send.v1'")
        await harness.deliver(identity.UserErased(user_id="u-1", role="customer", active=False), subject="u-2")
        assert await pool.fetchval("select count(*) from inbox") == 0
        notes = await pool.fetch("select note from done where type = 'notification.send.v1'")
        assert [row["note"] for row in notes] == ["erased"]


async def test_nothing_kept_after_sending_holds_an_address(mailing: Running) -> None:
    async with mailing() as harness:
        await harness.deliver(wish(data={**DATA, "secret": "hush"}), subject="u-1")
        for table in ("notifications", "calls", "inbox", "outbox", "published", "feed", "done"):
            found = await harness.service.database.pool.fetch(f"select t::text as text from {table} t")
            assert not [row for row in found if "jane@" in row["text"] or "hush" in row["text"]], table
