"""What was told to whom, over HTTP."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from chassis.fixtures import Harness
from chassis.http.testing import walk
from chassis.world import new_id
from notification.service import build
from notification.settings import Settings
from soko_contracts import notification as public


@pytest.fixture
async def harness(running: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Harness]:
    async with running(build, Settings, soko_home=tmp_path) as harness:
        yield harness


async def tell(harness: Harness, customer_id: str, cause: str, kind: str = "order_confirmed") -> None:
    contact: dict[str, Any] = {"email": "jane@soko.example", "phone": None, "language": "en"}
    message = public.Send(
        cause=cause, kind=kind, subject_id=customer_id, customer_id=customer_id, contact=contact, data={"number": cause}
    )
    await harness.deliver(message, subject=customer_id)


async def test_customers_see_what_was_sent_to_them_and_staff_see_all(harness: Harness) -> None:
    mine, other = new_id(), new_id()
    await tell(harness, mine, "SO-1")
    await tell(harness, other, "SO-2")
    client = harness.client
    own = (await client.get("/api/v1/notifications", headers=harness.bearer(mine))).json()
    assert own["total"] == 1
    seen = own["items"][0]
    assert (seen["kind"], seen["status"], seen["channel"]) == ("order_confirmed", "sent", "email")
    assert (seen["recipient"], seen["title"]) == ("j***@soko.example", "Your order SO-1 is confirmed")
    refused = await client.get("/api/v1/notifications?scope=all", headers=harness.bearer(mine))
    assert refused.status_code == 403
    staff = harness.bearer(new_id(), role="staff", rights=["notifications:read"])
    assert (await client.get("/api/v1/notifications?scope=all", headers=staff)).json()["total"] == 2
    assert (await client.get("/api/v1/notifications", headers=staff)).json()["total"] == 0
    assert (await client.get("/api/v1/notifications")).status_code == 401


async def test_they_are_filtered_and_paged(harness: Harness) -> None:
    mine = new_id()
    await tell(harness, mine, "SO-1")
    await tell(harness, mine, "SO-1", "order_shipped")
    await tell(harness, mine, "SO-1", "birthday")
    client, who = harness.client, harness.bearer(mine)
    failed = (await client.get("/api/v1/notifications?status=failed", headers=who)).json()
    assert [(each["kind"], each["reason"]) for each in failed["items"]] == [("birthday", "unknown-kind")]
    two = "/api/v1/notifications?kind=birthday&kind=order_shipped&page_size=1"
    page = (await client.get(two, headers=who)).json()
    assert (page["total"], len(page["items"])) == (2, 1)
    assert (await client.get(page["next"], headers=who)).json()["items"] != page["items"]
    for wrong in ("?status=lost", "?kind=%00", "?colour=red", "?scope=none"):
        assert (await client.get(f"/api/v1/notifications{wrong}", headers=who)).status_code == 422


async def test_a_development_shop_shows_its_mails(running: Callable[..., Any], tmp_path: Path) -> None:
    async with running(build, Settings, soko_home=tmp_path, soko_env="development") as harness:
        headers = harness.service_token("gateway")
        assert (await harness.client.get("/internal/v1/mails", headers=headers)).json() == {"items": []}
        await tell(harness, new_id(), "SO-1")
        (mail,) = (await harness.client.get("/internal/v1/mails", headers=headers)).json()["items"]
        assert (mail["to"], mail["subject"]) == ("jane@soko.example", "Your order SO-1 is confirmed")
        assert "Your order SO-1 is confirmed" in mail["text"]
        assert mail["html"].startswith("<!doctype html>")
        assert (await harness.client.get("/internal/v1/mails")).status_code == 401


async def test_no_other_shop_shows_its_mails(harness: Harness) -> None:
    answer = await harness.client.get("/internal/v1/mails", headers=harness.service_token("gateway"))
    assert answer.status_code == 404


async def test_every_route_says_who_may(harness: Harness) -> None:
    own = [each for each in walk(harness.service.app) if not each.path.startswith("/internal/v1/ops/")]
    assert {(each.method, each.path): each.access for each in own} == {
        ("GET", "/api/v1/notifications"): "signed_in",
        ("GET", "/api/v1/notifications/preferences"): "signed_in",
        ("PATCH", "/api/v1/notifications/preferences"): "signed_in",
        ("POST", "/api/v1/notifications/{notification_id}/resend"): "notifications:write",
        ("GET", "/api/v1/notifications/unsubscribe"): "anyone",
        ("POST", "/api/v1/notifications/unsubscribe"): "anyone",
        ("POST", "/api/v1/notifications/reports/africastalking/{secret}"): "anyone",
        ("POST", "/api/v1/notifications/reports/gateway/{secret}"): "anyone",
        ("POST", "/api/v1/notifications/reports/mail/{secret}"): "anyone",
        ("GET", "/api/v1/events"): "events:read",
        ("GET", "/api/v1/event-types"): "events:read",
        ("GET", "/internal/v1/mails"): "service_only",
        ("GET", "/internal/v1/users/{user_id}/export"): "service_only",
    }
