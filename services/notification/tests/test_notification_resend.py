"""Sending once more what an order said."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from chassis.confiding import confide
from chassis.fixtures import Harness
from mailing import DATA, Running, Server, rows, wish
from pydantic import SecretStr
from soko_contracts import identity
from soko_contracts import notification as public
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CONTACT: dict[str, Any] = {"email": "jane@soko.example", "phone": "+254700000001", "language": "en"}
SECRET = "q7Xw-0198c0de_5f7e"
ORDER: dict[str, Any] = {**DATA, "order_id": "o-1"}


class Orders:
    """Stands where order would: knows what it said of ``o-1``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200

    def app(self) -> Starlette:
        async def letter(request: Request) -> Response:
            self.asked.append(request.url.path)
            if self.status != 200 or request.path_params["order"] != "o-1":
                return JSONResponse({"type": "/problems/not-found", "title": "Not found"}, max(self.status, 404))
            return JSONResponse({"contact": CONTACT, "data": ORDER})

        return Starlette(routes=[Route("/internal/v1/orders/{order}/letters/{kind}/{cause}", letter)])


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
async def harness(mailing: Running, orders: Orders, server: Server) -> AsyncIterator[Harness]:
    hearing = {"delivery_reports_secret": SecretStr(SECRET)}
    async with mailing(smtp_url=server.url, peers={"order": orders.app()}, **hearing) as harness:
        yield harness


async def again(harness: Harness, id_: str = "", **headers: str) -> httpx.Response:
    staff = harness.bearer("sam", role="staff", rights=["notifications:write"])
    id_ = id_ or (await rows(harness))[0]["id"]
    answer = await harness.client.post(f"/api/v1/notifications/{id_}/resend", headers={**staff, **headers})
    await harness.settle()
    return answer


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_what_an_order_said_leaves_once_more_in_the_same_words(
    harness: Harness, orders: Orders, server: Server
) -> None:
    await harness.deliver(wish("order_shipped", "s-1", contact=CONTACT, data=ORDER), subject="u-1")
    answer = await again(harness)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert orders.asked == ["/internal/v1/orders/o-1/letters/order_shipped/s-1"]
    first, second = server.taken
    assert first.as_bytes() == second.as_bytes()
    (row,) = await rows(harness)
    assert (row["status"], row["sequence"]) == ("sent", 2)
    assert harness.sent == [public.Sent(notification_id=row["id"], kind="order_shipped", channel="email")] * 2
    assert [envelope.sequence for envelope in harness.recorder.envelopes] == [1, 2]


async def test_an_sms_is_sent_again_as_an_sms_and_what_was_reported_of_it_before_is_gone(
    harness: Harness, tmp_path: Path
) -> None:
    await harness.deliver(wish(contact={**CONTACT, "email": None}, data=ORDER), subject="u-1")
    (row,) = await rows(harness)
    report = {"id": row["id"], "status": "failed", "reason": "off"}
    await harness.client.post(f"/api/v1/notifications/reports/gateway/{SECRET}", json=report)
    (file,) = (tmp_path / "sms").iterdir()
    file.unlink()
    assert (await again(harness)).status_code == 202
    (row,) = await rows(harness)
    assert (row["channel"], row["status"], row["delivery"], row["delivery_reason"]) == ("sms", "sent", None, None)
    assert len(list((tmp_path / "sms").iterdir())) == 1


async def test_what_was_refused_may_go_better_now(harness: Harness, server: Server) -> None:
    server.says = ["554 no"]
    await harness.deliver(wish(data=ORDER), subject="u-1")
    assert (await again(harness)).status_code == 202
    assert [(row["status"], row["reason"]) for row in await rows(harness)] == [("sent", None)]


async def test_it_is_sent_again_once_a_minute_at_most_and_once_a_key(harness: Harness, server: Server) -> None:
    await harness.deliver(wish(data=ORDER), subject="u-1")
    assert (await again(harness, **{"Idempotency-Key": "k"})).status_code == 202
    repeated = await again(harness, **{"Idempotency-Key": "k"})
    assert (repeated.status_code, repeated.headers["idempotency-replayed"]) == (202, "true")
    harness.clock.advance(timedelta(seconds=20))
    soon = await again(harness)
    assert (refused(soon), soon.headers["retry-after"]) == ((409, "resent-just-now"), "41")
    harness.clock.advance(timedelta(seconds=41))
    assert (await again(harness)).status_code == 202
    assert len(server.taken) == 3


async def test_of_two_who_ask_at_once_one_is_told_that_the_other_did(harness: Harness, server: Server) -> None:
    await harness.deliver(wish(data=ORDER), subject="u-1")
    path = f"/api/v1/notifications/{(await rows(harness))[0]['id']}/resend"
    staff = harness.bearer("sam", role="staff", rights=["notifications:write"])
    answers = await asyncio.gather(*(harness.client.post(path, headers=staff) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [202, 409, 409]
    await harness.settle()
    assert len(server.taken) == 2


async def test_codes_and_what_concerns_an_account_are_never_sent_again(harness: Harness, orders: Orders) -> None:
    secret = {"code": confide(harness.service.settings.soko_internal_key, "493027")}
    await harness.deliver(
        wish("verification_code", secrets=secret, data={}),
        wish("password_changed", data={}),
        wish("new_order", subject_id="admin", customer_id=None),
        wish("abandoned_cart"),
        wish("birthday"),
        subject="u-1",
    )
    for row in await rows(harness):
        answer = await again(harness, row["id"])
        assert refused(answer) == (409, "not-resendable"), row["kind"]
        told_why = "ask for a new code" in answer.json()["detail"]
        assert told_why is (row["kind"] in ("verification_code", "password_changed"))
    assert orders.asked == []


async def test_what_the_order_cannot_say_again_is_not_sent(harness: Harness, orders: Orders, server: Server) -> None:
    await harness.deliver(wish(data={**ORDER, "order_id": "o-9"}), subject="u-1")
    assert refused(await again(harness)) == (409, "not-resendable")
    orders.status = 500
    assert refused(await again(harness)) == (503, "service-unavailable")
    assert [(row["status"], row["resent_at"]) for row in await rows(harness)] == [("sent", None)]
    await harness.deliver(identity.UserErased(user_id="u-1", role="customer", active=False), subject="u-1")
    orders.status = 200
    assert refused(await again(harness)) == (409, "not-resendable")
    assert len(server.taken) == 1


async def test_what_is_on_its_way_or_unwanted_is_not_sent_again(harness: Harness, server: Server) -> None:
    server.says = ["451 not now"]
    await harness.deliver(wish(data=ORDER), subject="u-1")
    assert refused(await again(harness)) == (409, "not-resendable")
    choice = {"order_updates": {"email": False}}
    await harness.client.patch("/api/v1/notifications/preferences", json=choice, headers=harness.bearer("u-1"))
    harness.clock.advance(timedelta(minutes=5))
    await harness.settle()
    answer = await again(harness)
    assert (refused(answer), answer.json()["detail"]) == ((409, "not-resendable"), "It is unwanted.")
    assert server.taken == []


async def test_it_takes_the_right_to_do_so(harness: Harness) -> None:
    await harness.deliver(wish(data=ORDER), subject="u-1")
    path = f"/api/v1/notifications/{(await rows(harness))[0]['id']}/resend"
    reader = harness.bearer("sam", role="staff", rights=["notifications:read"])
    for headers, status in (({}, 401), (harness.bearer("u-1"), 403), (reader, 403)):
        assert (await harness.client.post(path, headers=headers)).status_code == status
    assert refused(await again(harness, "nobody")) == (404, "not-found")
