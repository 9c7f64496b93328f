"""The words of every mail."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from notification.accounts import PARAGRAPHS
from notification.domain import Left, Notification, Status, masked
from notification.kinds import SUBJECTS
from notification.mail import NoAddress, composed
from notification.rendering import UnknownKind, Written, write
from notification.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "order_id": "o1",
    "number": "SO-1042",
    "currency": "KES",
    "total": 529800,
    "lines": [
        {"sku": "KET-1", "name": "Kettle <large>", "quantity": 2, "unit_price": 249900},
        {"sku": "MUG-1", "name": "Mug", "quantity": 1, "unit_price": 30000},
    ],
    "payment_method": "card",
    "amount": 30000,
    "carrier": "Posta",
    "tracking_number": "PX-77",
    "reason": "payment_timeout",
    "shortages": [{"sku": "KET-1", "requested": 2, "available": 1}],
    "sku": "KET-1",
    "available": 3,
    "threshold": 5,
    "first_name": "Jane",
    "minutes": 10,
    "new": "a***@soko.example",
    "device": "Firefox on Linux",
    "when": "2026-03-01T15:00:00+03:00",
}


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_kind_is_written_as_text_and_as_html_on_the_one_layout(kind: str) -> None:
    written = write(kind, ORDER)
    assert written.title in written.text
    assert written.title in written.html
    assert 'name="viewport"' in written.html
    assert written.html.count("<h1") == 1
    for rest in ("{{", "{%", "None", "Undefined"):
        assert rest not in written.text + written.html


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_kind_can_be_written_without_any_data(kind: str) -> None:
    assert "{" not in write(kind, {}).text


def test_an_order_is_listed_with_its_prices() -> None:
    written = write("order_confirmed", ORDER)
    for said in ("2 x Kettle <large>: KES 4,998.00\n1 x Mug: KES 300.00\nTotal: KES 5,298.00",):
        assert said in written.text
    assert "Kettle &lt;large&gt;" in written.html
    assert "<large>" not in written.html


def test_what_the_lines_do_not_add_up_to_has_a_line_of_its_own() -> None:
    written = write("order_confirmed", {**ORDER, "total": 549800})
    assert "Shipping, tax, discount: KES 200.00\nTotal: KES 5,498.00" in written.text
    assert "KES 200.00" in written.html


def test_amounts_have_their_currencys_own_digits() -> None:
    assert "JPY 30,000" in write("order_refunded", {**ORDER, "currency": "JPY"}).text
    assert "KES 300.00" in write("order_refunded", ORDER).text


def test_cash_on_delivery_is_not_said_to_be_paid() -> None:
    assert (
        "You pay when it is delivered" in write("order_confirmed", {**ORDER, "payment_method": "cash_on_delivery"}).text
    )


def test_a_cancelled_order_says_why_and_what_was_missing() -> None:
    written = write("order_cancelled", ORDER)
    assert "It was not paid in time." in written.text
    assert "KET-1: 2 ordered, 1 left" in written.html


def test_a_parcel_says_how_to_follow_it() -> None:
    assert "PX-77" in write("order_shipped", ORDER).text
    assert "number" not in write("order_shipped", {**ORDER, "tracking_number": None}).text.lower().split("--")[0][20:]


@pytest.mark.parametrize("kind", PARAGRAPHS)
def test_a_secret_stands_in_both_forms_and_never_in_the_subject_line(kind: str) -> None:
    written = write(kind, ORDER, {"code": "493027"})
    assert "493027" in written.text
    assert "493027" in written.html
    assert "493027" not in written.title
    assert "because you ordered" not in written.text + written.html


def test_an_account_that_was_used_from_two_places_says_where_and_when() -> None:
    assert "The device: Firefox on Linux. The time: 2026-03-01 12:00 UTC." in write("session_reused", ORDER).text
    assert "The time: just now." in write("session_reused", {**ORDER, "when": "just now"}).text


def test_what_is_no_kind_is_not_written() -> None:
    with pytest.raises(UnknownKind):
        write("../base", ORDER)


def test_a_mail_has_one_message_id_for_good() -> None:
    settings = Settings(mail_from="Shop <hello@shop.example>")
    made = [composed(settings, "n-1", write("order_confirmed", ORDER), "a@b.example", NOON) for _ in range(2)]
    assert made[0] == made[1]
    read = message_from_bytes(made[0].content, policy=policy.default)
    assert read["Message-ID"] == "<n-1@shop.example>"
    assert (read["From"], read["To"]) == ("Shop <hello@shop.example>", "a@b.example")
    assert read["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"


@pytest.mark.parametrize("title", ["Your order", "Your café order é"])
@pytest.mark.parametrize("words", ["Plain words.\n", "Café\n.\n--\nFrom us\n", "long " * 500, ""])
def test_a_mail_is_read_as_it_was_written(title: str, words: str) -> None:
    settings = Settings(mail_from="Café <hello@shop.example>")
    mail = composed(settings, "n-1", Written(title, words, f"<p>{words}</p>"), "a@b.example", NOON)
    read = message_from_bytes(mail.content, policy=policy.default)
    assert (read.defects, read["Subject"], read["From"]) == ([], title, "Café <hello@shop.example>")
    assert read.get_content_type() == "multipart/alternative"
    text, html = read.iter_parts()
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert [part.get_content().rstrip("\n") for part in (text, html)] == [words.rstrip("\n"), f"<p>{words}</p>"]
    assert max(map(len, mail.content.splitlines())) <= 998


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example\r\nBcc: c@d.example", "a b@", "<>"])
def test_what_is_no_address_gets_no_mail(address: str) -> None:
    with pytest.raises(NoAddress):
        composed(Settings(), "n-1", write("order_confirmed", ORDER), address, NOON)


def test_a_notification_ends_sent_or_failed_and_says_so_once() -> None:
    queued = Notification("n-1", "o1", "order_confirmed", "u1", "u1", NOON)
    sent, failed = queued.sent(NOON, Left("jane@soko.example", "Hello")), queued.failed("refused")
    assert (sent.status, sent.recipient, sent.sequence) == (Status.SENT, "j***@soko.example", 1)
    assert (failed.status, failed.reason, failed.sequence) == (Status.FAILED, "refused", 1)
    assert (type(sent.fact()).__name__, type(failed.fact()).__name__) == ("Sent", "Failed")


def test_an_address_is_masked() -> None:
    assert [masked(each) for each in ("jane@x.example", "j@x.example")] == ["j***@x.example", "j***@x.example"]
