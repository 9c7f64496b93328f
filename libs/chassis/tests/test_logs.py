"""What is logged, and what never is."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from chassis import logs
from chassis.context import Context

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1LTEifQ.c2lnbmF0dXJl"


class Written:
    """The log as it was written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def configured() -> Iterator[Callable[..., Written]]:
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def configure(env: str = "production", **options: Any) -> Written:
        written = Written()
        logs.configure(env, stream=written.stream, **options)
        return written

    yield configure
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_line_is_json_with_time_level_service_and_what_was_said(configured: Callable[..., Written]) -> None:
    written = configured(service="order")
    structlog.get_logger("order.api").info("placed", order_id="o-1", lines=2)
    (line,) = written.lines
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "placed",
        "level": "info",
        "logger": "order.api",
        "service": "order",
        "order_id": "o-1",
        "lines": 2,
    }


def test_other_libraries_log_the_same_way(configured: Callable[..., Written]) -> None:
    written = configured(service="order")
    logging.getLogger("uvicorn.error").warning("%s is late", "the train", extra={"minutes": 5, "token": "secret-5"})
    (line,) = written.lines
    assert (line["event"], line["logger"], line["service"]) == ("the train is late", "uvicorn.error", "order")
    assert (line["minutes"], line["token"]) == (5, "***")


def test_lines_of_one_piece_of_work_carry_its_ids(configured: Callable[..., Written]) -> None:
    written = configured()
    with logs.working_on(Context("r-1", "story-1", "m-1"), service="cart"):
        structlog.get_logger().info("inside")
        logging.getLogger("elsewhere").warning("inside too")
    structlog.get_logger().info("outside")
    *inside, outside = written.lines
    for line in inside:
        assert (line["request_id"], line["correlationid"], line["causationid"]) == ("r-1", "story-1", "m-1")
        assert line["service"] == "cart"
    assert "correlationid" not in outside


@pytest.mark.parametrize("env", ["production", "development"])
def test_secrets_are_masked_wherever_they_stand(configured: Callable[..., Written], env: str) -> None:
    written = configured(env)
    structlog.get_logger().info(
        "logged in",
        password="hunter-2",
        nested={"access_token": "secret-2", "list": [{"Authorization": "secret-3"}]},
        text=f"header was Bearer {JWT[:20]} and postgresql://soko:secret-4@db/soko",
        also=f"<{JWT}>",
        code="123456",
        card_number="4242424242424242",
    )
    logging.getLogger("library").error("could not send %s", JWT)
    for secret in ("hunter-2", "secret-2", "secret-3", "secret-4", JWT[:20], JWT, "123456", "4242424242424242"):
        assert secret not in written.text
    assert "postgresql://soko:***@db/soko" in written.text


def test_a_path_that_is_a_secret_is_masked_where_a_request_to_it_fails(configured: Callable[..., Written]) -> None:
    written = configured()
    for path in ("/api/v1/notifications/reports/mail/q7Xw-0198c0de_5f7e", "/api/v1/notifications/reports/mail/"):
        logging.getLogger("chassis").error("unhandled: %s %s", "POST", path)
    assert "q7Xw" not in written.text
    assert written.lines[0]["event"] == "unhandled: POST /api/v1/notifications/reports/mail/***"


def test_what_a_reader_needs_is_not_masked(configured: Callable[..., Written]) -> None:
    written = configured()
    told = {"status_code": 200, "idempotency_key": "k-1", "partitionkey": "o-1", "keyboard": "qwerty", "at": None}
    structlog.get_logger().info("told", **told)
    assert told.items() <= written.lines[0].items()


@pytest.mark.parametrize("env", ["production", "development"])
def test_a_traceback_shows_where_and_not_with_what(configured: Callable[..., Written], env: str) -> None:
    written = configured(env)

    password = "-".join(["hunter", "2"])

    def fails(password: str) -> None:
        raise ValueError(f"token {JWT} is bad")

    try:
        fails(password)
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed too")
    assert written.text.count("in fails") == 2
    assert password not in written.text
    assert JWT not in written.text


def test_the_values_that_postgresql_complains_of_are_not_shown(configured: Callable[..., Written]) -> None:
    written = configured()
    complaint = "duplicate key value\nDETAIL:  Key (lower(email), id)=(a@b.example, (1)) already exists."
    logging.getLogger("library").error("failed: %s", complaint)
    assert "a@b.example" not in written.text
    assert "Key (lower(email), id)=(***) already exists" in written.lines[0]["event"]


def test_less_than_asked_for_is_not_written(configured: Callable[..., Written]) -> None:
    written = configured(level="WARNING")
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    assert written.text == ""


def test_what_json_does_not_know_is_written_as_text(configured: Callable[..., Written]) -> None:
    written = configured()
    structlog.get_logger().info("odd", thing=object, mapping={1: {2, 3}})
    assert "class 'object'" in written.lines[0]["thing"]


def test_configuring_again_does_not_write_twice(configured: Callable[..., Written]) -> None:
    configured()
    written = configured()
    structlog.get_logger().info("once")
    assert len(written.lines) == 1


@pytest.mark.parametrize(
    ("complaint", "told"),
    [
        (
            "1 validation error for Send\nto\n  wrong [type=x, input_value='Amina', input_type=str]",
            "input_value=***, input",
        ),
        ("null value\nDETAIL:  Failing row contains (u-1, Amina, null).", "Failing row contains (***"),
        ("invalid input for query argument $2: 'Amina' (expected int)", "for query argument $2: ***"),
        ("(451, 'later', 'Amina@soko.example')", "(451, 'later', '***')"),
        ("no route to +254700000001 now", "no route to *** now"),
    ],
)
def test_what_an_error_says_of_its_input_is_not_shown(
    configured: Callable[..., Written], complaint: str, told: str
) -> None:
    written = configured()
    logging.getLogger("library").error("failed: %s", complaint)
    assert told in written.lines[0]["event"]
    assert "Amina" not in written.text
    assert "+254" not in written.text


def test_times_and_ids_are_not_taken_for_phones_and_addresses(configured: Callable[..., Written]) -> None:
    written = configured()
    text = "at 2026-03-01T12:00:00+03:00 of 0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6 on soko@localhost, 1+12345678"
    logging.getLogger("library").error(text)
    assert written.lines[0]["event"] == text
