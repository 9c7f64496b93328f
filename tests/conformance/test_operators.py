"""What every service answers its operators: what is parked, its jobs, what it knows of a thing."""

from datetime import timedelta
from typing import Any

import httpx
from chassis.alarm import tell_of_parked
from chassis.fixtures import Harness
from chassis.settings import Settings
from chassis.world import new_id
from soko_contracts.notification import Send
from toy.domain import AddOrder
from toy.service import build

BOTH = ("ops:read", "ops:write")


async def ask(
    harness: Harness, method: str, path: str, json: Any = None, rights: tuple[str, ...] = BOTH
) -> httpx.Response:
    """As the gateway asks, for somebody with these rights."""
    headers = {**harness.service_token("gateway"), **harness.bearer(role="admin", rights=rights)}
    return await harness.client.request(method, f"/internal/v1/ops{path}", json=json, headers=headers)


async def fail_until_parked(harness: Harness) -> None:
    """Let every try of what fails pass."""
    await harness.settle()
    while not await harness.service.database.pool.fetchval("select count(*) from inbox where parked_at is not null"):
        harness.clock.advance(timedelta(minutes=6))
        await harness.settle()


async def parked_letter(harness: Harness) -> dict[str, Any]:
    """A message of the tally ``b`` that was given up, with one behind it."""
    await harness.deliver(AddOrder(tally_id="b", amount=13), subject="b")
    await harness.deliver(AddOrder(tally_id="b", amount=2), subject="b")
    await fail_until_parked(harness)
    found = (await ask(harness, "GET", "/dead-letters")).json()
    assert found["total"] == 1
    letter: dict[str, Any] = found["items"][0]
    return letter


async def test_a_parked_message_is_listed_by_what_it_is_and_when_and_dropped_once(running: Any) -> None:
    async with running(build, Settings) as harness:
        letter = await parked_letter(harness)
        assert (letter["name"], letter["key"], letter["tries"]) == ("toy.add.v1", "tally-b", 8)
        for query, found in {
            "name=toy.add.v1": 1,
            "name=toy.move.v1": 0,
            "key=tally-b": 1,
            "key=tally-c&key=tally-b": 1,
            "parked_after=2026-01-01T00:00:00Z": 1,
            "parked_before=2026-01-01T00:00:00Z": 0,
        }.items():
            assert (await ask(harness, "GET", f"/dead-letters?{query}")).json()["total"] == found, query
        assert (await ask(harness, "DELETE", f"/dead-letters/{letter['id']}")).status_code == 204
        assert (await ask(harness, "DELETE", f"/dead-letters/{letter['id']}")).status_code == 404
        await harness.settle()
        story = (await ask(harness, "GET", "/stories/b")).json()["items"]
        assert [each["data"]["amount"] for each in story if each["kind"] == "event"] == [2]


async def test_the_administrator_is_told_once_an_hour_that_something_was_given_up(running: Any) -> None:
    async with running(build, Settings) as harness:

        async def asked_for() -> list[Send]:
            await tell_of_parked(harness.service)
            await harness.settle()
            found = [each for each in harness.sent if isinstance(each, Send)]
            harness.recorder.envelopes.clear()
            return found

        assert await asked_for() == []
        harness.clock.now = harness.clock.now.replace(minute=1)
        await parked_letter(harness)
        (told,) = await asked_for()
        assert (told.kind, told.subject_id, told.customer_id, told.contact) == ("message_parked", "admin", None, {})
        at = harness.clock.now.replace(minute=0, second=0, microsecond=0).isoformat()
        assert told.data == {"service": "toy", "hour": at, "count": 1, "names": ["toy.add.v1"]}
        harness.clock.advance(timedelta(minutes=5))
        await harness.deliver(AddOrder(tally_id="c", amount=13), subject="c")
        for _ in range(8):
            harness.clock.advance(timedelta(minutes=1))
            await harness.settle()
        (again,) = await asked_for()
        assert (again.cause, again.data["count"]) == (told.cause, 2)
        harness.clock.advance(timedelta(hours=3))
        assert await asked_for() == []


async def test_a_parked_message_that_is_replayed_is_tried_from_the_first_try(running: Any) -> None:
    async with running(build, Settings) as harness:
        letter = await parked_letter(harness)
        assert (await ask(harness, "POST", f"/dead-letters/{letter['id']}/replay")).status_code == 204
        assert (await ask(harness, "GET", "/dead-letters")).json() == {"items": [], "total": 0}
        for nonsense in ("message-0", "message-99999999999999999999", "message-x", "call-1", "tree-1"):
            assert (await ask(harness, "POST", f"/dead-letters/{nonsense}/replay")).status_code == 404


async def test_a_disabled_job_runs_only_when_it_is_started(running: Any) -> None:
    async with running(build, Settings) as harness:
        job = (await ask(harness, "PATCH", "/jobs/sweep", {"enabled": False})).json()
        assert (job["enabled"], job["next_at"]) == (False, None)
        assert await harness.service.jobs_once() == 0
        assert (await ask(harness, "POST", "/jobs/sweep/run")).status_code == 202
        assert await harness.service.jobs_once() == 1
        assert await harness.service.jobs_once() == 0
        (job, _) = (await ask(harness, "GET", "/jobs")).json()["items"]
        assert (job["enabled"], job["running"], job["next_at"]) == (False, False, None)
        assert job["last_result"].startswith("deleted 0")
        job = (await ask(harness, "PATCH", "/jobs/sweep", {"enabled": True})).json()
        assert job["next_at"] is not None
        assert (await ask(harness, "POST", "/jobs/dance/run")).status_code == 404


async def test_a_story_has_what_happened_what_waits_and_what_is_due(running: Any) -> None:
    async with running(build, Settings) as harness:
        id_ = new_id()
        await harness.deliver(AddOrder(tally_id=id_, amount=5, ask=True, after=1e6), subject=id_)
        await harness.service.receive([harness.envelope(AddOrder(tally_id=id_, amount=13), subject=id_)])
        await fail_until_parked(harness)
        await harness.service.receive([harness.envelope(AddOrder(tally_id=id_, amount=7), subject=id_)])
        story = (await ask(harness, "GET", f"/stories/{id_}")).json()["items"]
        assert [(each["kind"], each["name"]) for each in story] == [
            ("event", "added.v1"),
            ("event", "answered.v1"),  # in the same instant: the clock stood still
            ("handled", "toy.add.v1"),
            ("parked", "toy.add.v1"),
            ("waiting", "toy.add.v1"),
            ("timer", "fire"),
        ]
        assert (await ask(harness, "GET", f"/stories/{new_id()}")).json() == {"items": []}


async def test_only_a_service_that_asks_for_somebody_with_the_right_is_answered(running: Any) -> None:
    async with running(build, Settings) as harness:
        assert (await ask(harness, "GET", "/stories/a", rights=("ops:read",))).status_code == 200
        assert (await ask(harness, "GET", "/jobs", rights=("ops:read",))).status_code == 403
        assert (await ask(harness, "GET", "/stories/a", rights=())).status_code == 403
        bearer = harness.bearer(role="admin", rights=BOTH)
        assert (await harness.client.get("/internal/v1/ops/jobs", headers=bearer)).status_code == 401
        assert (
            await harness.client.get("/internal/v1/ops/jobs", headers=harness.service_token("gateway"))
        ).status_code == 403
