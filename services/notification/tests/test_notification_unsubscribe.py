"""The link at the end of a mail: for whoever has the mail, and no other."""

from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from chassis.fixtures import Harness
from mailing import DATA, Running, files, rows, wish
from notification.domain import EMAIL
from notification.unsubscribing import Unsubscribing

SHOP = "https://shop.example"


async def link_in_a_mail(harness: Harness, folder: Path, **changes: Any) -> tuple[EmailMessage, str]:
    await harness.deliver(wish(**changes), subject="u-1")
    mail = files(folder)[-1]
    link = mail["List-Unsubscribe"].strip("<>")
    assert link.startswith(f"{SHOP}/api/v1/notifications/unsubscribe?token=")
    return mail, link.removeprefix(SHOP)


async def statuses(harness: Harness) -> list[str]:
    return [row["status"] for row in await rows(harness)]


async def test_looking_changes_nothing_and_the_button_ends_it(mailing: Running, tmp_path: Path) -> None:
    async with mailing(public_url=SHOP) as harness:
        mail, link = await link_in_a_mail(harness, tmp_path)
        for form in ("plain", "html"):
            body = mail.get_body((form,))
            assert body is not None
            assert link in body.get_content()
        page = await harness.client.get(link)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert '<form method="post">' in page.text
        assert "<script" not in page.text
        await harness.deliver(wish(cause="o-2"), subject="u-1")
        done = await harness.client.post(link)
        assert (done.status_code, "no more mails about your orders" in done.text) == (200, True)
        assert "<form" not in done.text
        await harness.deliver(wish(cause="o-3"), subject="u-1")
        assert await statuses(harness) == ["sent", "sent", "unwanted"]
        shown = await harness.client.get("/api/v1/notifications/preferences", headers=harness.bearer("u-1"))
        assert shown.json()["order_updates"]["email"] is False


async def test_a_mail_program_presses_the_button_by_itself(mailing: Running, tmp_path: Path) -> None:
    """RFC 8058: a POST of its own, with neither cookie nor login, whatever form its body has."""
    async with mailing(public_url=SHOP) as harness:
        mail, link = await link_in_a_mail(harness, tmp_path)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        for _ in range(2):
            assert (await harness.client.post(link, data={"List-Unsubscribe": "One-Click"})).status_code == 200
        forms = {"List-Unsubscribe": (None, "One-Click")}
        assert (await harness.client.post(link, files=forms)).status_code == 200
        bad = {"Authorization": "Bearer of.no.use"}
        assert (await harness.client.post(link, headers=bad)).status_code == 200
        assert await harness.service.database.pool.fetchval("select count(*) from preferences") == 1


async def test_the_page_speaks_the_language_of_the_mail(mailing: Running, tmp_path: Path) -> None:
    async with mailing(public_url=SHOP) as harness:
        contact = {"email": "jane@soko.example", "phone": None, "language": "sw"}
        _, link = await link_in_a_mail(harness, tmp_path, contact=contact)
        assert "barua pepe kuhusu oda zako" in (await harness.client.get(link)).text


async def test_the_link_is_the_same_again_and_holds_no_address(mailing: Running, tmp_path: Path) -> None:
    async with mailing(public_url=SHOP) as harness:
        _, first = await link_in_a_mail(harness, tmp_path)
        _, second = await link_in_a_mail(harness, tmp_path, cause="o-2")
        assert first == second
        _, guest = await link_in_a_mail(harness, tmp_path, cause="o-3", customer_id=None, subject_id="o-3")
        await harness.client.post(guest)
        await harness.deliver(wish("order_shipped", "o-3", customer_id=None, subject_id="o-3"), subject="o-3")
        await harness.deliver(wish(cause="o-4"), subject="u-1")
        assert await statuses(harness) == ["sent", "sent", "sent", "unwanted", "sent"]


async def test_a_link_that_this_shop_did_not_make_does_nothing(mailing: Running, tmp_path: Path) -> None:
    async with mailing(public_url=SHOP) as harness:
        _, link = await link_in_a_mail(harness, tmp_path)
        other = Unsubscribing("u-2", "order_updates", EMAIL, "en").link(harness.service.settings)
        text, mark = httpx.URL(other).params["token"].partition(".")[0], link.rpartition(".")[2]
        broken = [link[:-1], link[:-1] + "~", f"{link.partition('=')[0]}={text}.{mark}", link + "%00", link + "x" * 400]
        for wrong in (*broken, link.partition("?")[0], f"{link}&token=x"):
            for method in ("GET", "POST"):
                answer = await harness.client.request(method, wrong)
                assert answer.status_code == 422, wrong
                assert answer.json()["errors"][0]["pointer"] == "/query/token"
        assert await harness.service.database.pool.fetchval("select count(*) from preferences") == 0


async def test_what_goes_to_the_admin_has_no_such_link(mailing: Running, tmp_path: Path) -> None:
    async with mailing(public_url=SHOP) as harness:
        await harness.deliver(wish("new_order", subject_id="admin", customer_id=None, data=DATA), subject="admin")
    (mail,) = files(tmp_path)
    assert mail["List-Unsubscribe"] is None
