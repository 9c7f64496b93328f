"""Nobody reads what is somebody's own: not in events, not in the feed, not in logs, not in a no."""

import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pyotp
import pytest
from aiosmtpd.controller import Controller
from cast import Cast, gathered
from chassis import logs, parked
from chassis.fixtures import until
from chassis.world import new_id
from notification.service import build
from notification.settings import Settings
from prometheus_client import generate_latest
from shopping import OpenShop, Person
from soko.services import CARDSIM, SERVICES
from soko_contracts.notification import Send

PERSONAL = {
    "email": "zephyrine.okapi@hidden.example",
    "guest": "quagga.guest@hidden.example",
    "phone": "711987654",
    "street": "77 Quagga Crescent",
    "name": "Zephyrine Okapi",
    "way in": "the gate opens at 739182",
    "moved to": "12 Aardvark Rise",
    "note": "my okapi has fallen ill",
}
SECRET = {
    "password": "correct okapi battery",
    "another password": "wrong zebra staple",
    "card token": "tok_success",
    "declined token": "tok_declined",
    "3-D Secure token": "tok_3ds",
    "card number": "4242424242424242",
}
"""Together with the tokens that are given out on the way."""

ITS_PLACE = {
    ("identity", "users"): {"email", "phone", "pending_phone", "first_name", "last_name"},
    ("identity", "addresses"): {"name", "phone", "line1", "instructions"},
    ("order", "orders"): {"email", "phone", "address", "note"},
}
"""Columns that are there to be shown to the owner. Everywhere else it is sealed, or gone once it was used."""

SECRET_PLACE = {("payment", "next_actions"): {"action"}, (CARDSIM, "charges"): {"token", "keys"}}
"""What the payer has to do, until it is done; and the card gateway is the one who knows cards."""

ADDRESS = {
    "name": PERSONAL["name"],
    "line1": PERSONAL["street"],
    "city": "Nairobi",
    "country": "KE",
    "phone": f"+254{PERSONAL['phone']}",
    "instructions": PERSONAL["way in"],
}


@dataclass
class Story:
    """What was done, what was said about it, and what must be found nowhere."""

    logged: io.StringIO
    secrets: dict[str, str] = field(default_factory=lambda: dict(SECRET))
    refused: list[str] = field(default_factory=list)

    @property
    def marks(self) -> dict[str, str]:
        return {**PERSONAL, **self.secrets}

    def found(self, text: str, among: dict[str, str] | None = None) -> list[str]:
        """Which marks stand in the text."""
        text = text.lower()
        return [name for name, mark in (among or self.marks).items() if mark.lower() in text]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, as in production."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    logs.configure("production", stream=stream, level="DEBUG")
    root.handlers += handlers
    try:
        yield stream
    finally:
        root.handlers, root.level = handlers, level


@pytest.fixture
async def story(cast: Cast, logged: io.StringIO) -> Story:
    """A customer and a guest buy, fail, pay again, move, call off; and much goes wrong on the way."""
    told = Story(logged)
    await customers_story(cast, told)
    await guests_story(cast, told)
    await what_went_wrong(await gathered(cast.shop), told)
    assert await cast.shop.at_rest() == []
    return told


async def customers_story(cast: Cast, told: Story) -> None:
    body = {"email": PERSONAL["email"], "password": SECRET["password"], "first_name": PERSONAL["name"]}
    made = await cast.admin.call("POST", "/users", {**body, "role": "customer"})
    assert made.status_code == 201, made.text
    customer = await cast.shop.login(PERSONAL["email"], SECRET["password"])
    again = await cast.shop.door.post(
        "/api/v1/auth/login", json={"email": PERSONAL["email"], "password": SECRET["password"]}
    )
    told.secrets["access token"] = customer.headers["Authorization"].removeprefix("Bearer ")
    told.secrets["refresh token"] = again.json()["refresh_token"]
    await customer.call("PATCH", "/users/me", {"phone": ADDRESS["phone"]})
    address = await customer.call("POST", "/users/me/addresses", ADDRESS)
    assert address.status_code == 201, address.text
    await customer.add(cast.things["sku"])
    bought = await customer.checkout(shipping_address=None, address_id=address.json()["id"])
    assert bought.status_code == 201, bought.text
    await customer.add(cast.things["sku"])
    declined = await customer.checkout("tok_declined", shipping_address=ADDRESS)
    order = declined.json()["order"]
    moved = {"shipping_address": {**ADDRESS, "line1": PERSONAL["moved to"]}}
    assert (await customer.call("PATCH", f"/orders/{order['id']}", moved)).status_code == 200
    asked = await customer.pay(order["id"], "tok_3ds")
    told.secrets["what the bank asks"] = asked.json()["next_action"]["url"]
    cancelled = await customer.call("POST", f"/orders/{order['id']}/cancel", {"reason": PERSONAL["note"]})
    assert cancelled.status_code in (200, 202), cancelled.text
    await second_factor(customer, told)


async def second_factor(customer: Person, told: Story) -> None:
    """Set up and used, by an app and by a recovery code."""
    secret = (await customer.call("POST", "/users/me/mfa", {"password": SECRET["password"]})).json()["secret"]
    codes = await customer.call("POST", "/users/me/mfa/confirm", {"code": pyotp.TOTP(secret).now()})
    assert codes.status_code == 200, codes.text
    used, left, *_ = codes.json()["recovery_codes"]
    told.secrets |= {"second factor": secret, "recovery code": left, "used recovery code": used.replace("-", "")}
    body = {"email": PERSONAL["email"], "password": SECRET["password"]}
    for totp, status in ((None, 401), ("k3jq-x7wd-2m5t-hcva", 401), (used, 200)):
        answer = await customer.call("POST", "/auth/login", body | ({"totp": totp} if totp else {}))
        assert answer.status_code == status, answer.text


async def guests_story(cast: Cast, told: Story) -> None:
    guest = cast.shop.guest()
    await guest.add(cast.things["sku"])
    told.secrets["cart token"] = guest.headers["X-Cart-Token"]
    placed = await guest.checkout(email=PERSONAL["guest"], shipping_address=ADDRESS)
    assert placed.status_code == 201, placed.text


async def what_went_wrong(cast: Cast, told: Story) -> None:
    """Everything personal and secret, in requests that are refused."""
    card, customer = SECRET["card number"], cast.customer
    choice = {"shipping_address": ADDRESS, "shipping_method": "standard", "payment": {"method": "card", "token": card}}
    wrong: list[tuple[Person, str, str, Any]] = [
        (cast.nobody, "POST", "/auth/login", {"email": PERSONAL["email"], "password": SECRET["another password"]}),
        (cast.nobody, "POST", "/auth/login", {"email": PERSONAL["email"], "password": [SECRET["password"]]}),
        (cast.nobody, "POST", "/auth/refresh", {"refresh_token": told.secrets["refresh token"] + "x"}),
        (cast.nobody, "POST", "/auth/token/verify", {"token": told.secrets["access token"] + "x"}),
        (cast.admin, "POST", "/users", {"email": PERSONAL["email"], "password": SECRET["password"]}),
        (cast.admin, "POST", "/users", {"email": f"{PERSONAL['email']}@x", "password": SECRET["password"]}),
        (customer, "PATCH", "/users/me", {"phone": f"{PERSONAL['phone']}x"}),
        (customer, "POST", "/users/me/addresses", {**ADDRESS, "country": PERSONAL["street"]}),
        (customer, "POST", "/orders", {**choice, "shipping_method": "none"}),
        (customer, "POST", "/orders", {**choice, "payment": {"method": "none", "token": card}}),
        (customer, "POST", "/orders", {**choice, "payment": {"method": "card", "token": f"{card} 12/29"}}),
        (customer, "POST", "/orders", {**choice, "payment": {"method": "card", "token": int(card)}}),
        (customer, "POST", "/orders", {**choice, "payment": {"method": "card", "phone": PERSONAL["phone"]}}),
        (customer, "POST", "/orders", {**choice, "email": PERSONAL["guest"] * 20}),
        (customer, "POST", "/orders", {**choice, "coupon": card}),
        (customer, "POST", f"/orders/{cast.things['order_id']}/pay", {"method": "card", "token": card}),
        (cast.owner, "POST", f"/orders/{cast.things['paid_order_id']}/pay", {"method": "card", "token": card}),
        (cast.owner, "POST", f"/orders/{cast.things['order_id']}/pay", {"method": "card", "token": card}),
        (customer, "POST", "/payments", {"method": "card", "token": card, "reference": PERSONAL["name"]}),
        (customer, "GET", f"/orders?created_after={PERSONAL['email']}", None),
        (customer, "GET", f"/orders?cursor={card}", None),
        (cast.nobody, "GET", f"/orders?search={PERSONAL['email']}", None),
        (Person(cast.shop.door, {"Authorization": f"Bearer {card}"}), "GET", "/orders", None),
        (Person(cast.shop.door, {"Authorization": f"Basic {card}"}), "GET", "/orders", None),
        (Person(cast.shop.door, {"X-Cart-Token": card[:8]}), "GET", "/orders", None),
    ]
    for person, method, path, body in wrong:
        answer = await person.call(method, path, body, {"Idempotency-Key": new_id(), "Prefer": "wait=10"})
        assert answer.status_code >= 400, f"{method} {path} {body}: {answer.text}"
        told.refused.append(answer.text)
    for content in (
        f'{{"password": "{SECRET["password"]}", "card": {card}',
        f'{{"email": "{PERSONAL["email"]}"}} {card}',
        f"email={PERSONAL['email']}&password={SECRET['password']}",
    ):
        for path in ("/auth/login", "/orders", "/users/me"):
            headers = {**customer.headers, "Content-Type": "application/json", "Idempotency-Key": new_id()}
            method = "PATCH" if path == "/users/me" else "POST"
            answer = await cast.shop.door.request(method, f"/api/v1{path}", content=content.encode(), headers=headers)
            assert answer.status_code == 400, answer.text
            told.refused.append(answer.text)


async def test_a_purchase_leaves_nothing_to_read(cast: Cast, story: Story) -> None:
    leaks = []
    for name in (*SERVICES, CARDSIM):
        leaks += await leaks_of(cast.shop, name, story)
    assert leaks == []
    assert await in_feed(cast, story) == []
    refused = [(story.found(text), text) for text in story.refused if story.found(text)]
    assert refused == []
    assert in_log(story.logged, story) == []
    assert story.found(generate_latest().decode()) == []


async def leaks_of(shop: OpenShop, name: str, story: Story) -> list[str]:
    """Every column of every table that holds what has no place there."""
    connection = await asyncpg.connect(shop.urls[name])
    leaks = set[str]()
    try:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        for table in (row["tablename"] for row in tables):
            for row in await connection.fetch(f'select to_jsonb(t)::text as row from "{table}" t'):
                for column, value in json.loads(row["row"]).items() if story.found(row["row"]) else ():
                    for mark in story.found(json.dumps(value, ensure_ascii=False)):
                        places = SECRET_PLACE if mark in story.secrets else ITS_PLACE
                        if column not in places.get((name, table), ()):
                            leaks.add(f"{name}.{table}.{column}: {mark}")
    finally:
        await connection.close()
    return sorted(leaks)


async def in_feed(cast: Cast, story: Story) -> list[str]:
    """What the public feed says of them, page by page."""
    found, path = [], "/events?limit=1000"
    while path:
        page = await cast.staff.get(path)
        found += [json.dumps(event) for event in page["items"] if story.found(json.dumps(event))]
        path = (page["next"] or "").removeprefix("/api/v1")
    return found


def in_log(logged: io.StringIO, story: Story) -> list[tuple[list[str], str]]:
    """The lines that say too much."""
    return [(found, line) for line in logged.getvalue().splitlines() if (found := story.found(line))]


class Busy:
    """A mail server that says later, and to whom."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        return f"451 {address} has to wait"


@pytest.fixture
def busy() -> Iterator[str]:
    """Its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Busy(), hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


async def test_what_fails_is_told_without_whom_it_is_about(
    running: Callable[..., Any], busy: str, logged: io.StringIO
) -> None:
    """A mail that has to wait, and a message that cannot be read: in the log and in the row that keeps the error."""
    told = Story(logged)
    contact: dict[str, Any] = {"email": PERSONAL["email"], "phone": ADDRESS["phone"], "language": "en"}
    data: dict[str, Any] = {"number": "SO-1", "currency": "KES", "total": 100, "lines": [], "name": PERSONAL["name"]}
    wish = Send(cause="o-1", kind="order_confirmed", subject_id="u-1", customer_id="u-1", contact=contact, data=data)
    async with running(build, Settings, smtp_url=busy) as harness:
        await harness.deliver(wish, subject="u-1")
        broken = replace(harness.envelope(wish, subject="u-2"), data=json.dumps({"contact": PERSONAL["name"]}).encode())
        await harness.service.receive([broken])
        await harness.settle()
        pool = harness.service.database.pool
        errors = [row["error"] for row in await pool.fetch("select error from calls union all select error from inbox")]
    assert len(errors) == 2
    assert [told.found(error) for error in errors] == [[], []]
    assert "a call failed" in logged.getvalue()
    assert "a message failed" in logged.getvalue()
    assert in_log(logged, told) == []


PARK = """
insert into inbox (subscription, key, message_id, type, source, subject, partitionkey, sequence, time, correlationid,
                   causationid, data, received_at, due_at, tries, error, parked_at)
values ('send', $1, $1, 'notification.send.v1', 'order', $1, $1, 1, $2, $1, $1, $3, $2, $2, 8, 'Broken: it broke', $2)
"""


async def test_a_parked_message_is_shown_without_what_is_personal(cast: Cast) -> None:
    """As operators see it; the row itself keeps what a replay needs."""
    told, id_ = Story(io.StringIO()), new_id()
    contact = {"email": PERSONAL["email"], "phone": PERSONAL["phone"], "name": PERSONAL["name"]}
    data = {"number": "SO-1", "address": ADDRESS, "items": [{"name": PERSONAL["note"]}], "token": "tok_success"}
    data |= {"card_number": SECRET["card number"], "phone_number": PERSONAL["phone"]}
    message = {"subject_id": id_, "kind": "order_confirmed", "contact": contact, "data": data}
    connection = await asyncpg.connect(cast.shop.urls["notification"])
    try:
        await connection.execute(PARK, id_, datetime.now(UTC), json.dumps(message))
        (row,) = [each for each in await parked.parked(connection) if each["key"] == id_]
        assert told.found(json.dumps(row, default=str)) == []
        assert (row["data"]["subject_id"], row["data"]["kind"]) == (id_, "order_confirmed")
    finally:
        await connection.execute("delete from inbox where message_id = $1", id_)
        await connection.close()


async def test_a_message_in_the_making_is_gone_once_it_is_done(cast: Cast) -> None:
    """Commands carry what is personal, and nothing of them stays."""

    async def quiet() -> bool:
        return not await cast.shop.shop.waiting()

    await until(quiet)
    for name in SERVICES:
        pool = cast.shop.shop.services[name].database.pool
        assert await pool.fetchval("select count(*) from outbox") == 0
        commands = await pool.fetch("select distinct type from published")
        assert not {row["type"] for row in commands} & {"payment.authorise.v1", "notification.send.v1"}
