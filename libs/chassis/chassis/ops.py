"""What every service answers its operators, by way of the gateway: what is parked, its jobs, what it knows of a thing.

The gateway passes on who asks, and their right is checked here again. What is changed is logged with who did it.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from chassis import parked, story
from chassis.http.app import current_service
from chassis.http.auth import Caller, Peer, service_only
from chassis.http.bodies import Body, Moment
from chassis.http.lists import LAST_ROW
from chassis.http.problems import FORBIDDEN, NOT_FOUND, Problem
from chassis.http.routing import Router

log = logging.getLogger(__name__)

router = Router(prefix="/internal/v1/ops", tags=["Internal"])

Several = Annotated[list[str] | None, Query(max_length=100)]


def on_behalf(right: str) -> Callable[..., Awaitable[Caller]]:
    """The caller that the other service asks for, who must have ``right``."""

    async def caller(peer: Peer = Depends(service_only)) -> Caller:
        if peer.caller is None or not peer.caller.may(right):
            raise Problem(FORBIDDEN, f"This needs the right {right}.")
        return peer.caller

    return caller


@router.get("/dead-letters", operation_id="internal_list_dead_letters", summary="What is parked here")
async def list_dead_letters(
    name: Several = None,
    key: Several = None,
    parked_after: Moment | None = None,
    parked_before: Moment | None = None,
    newest_first: bool = False,
    first: Annotated[int, Query(ge=1, le=LAST_ROW)] = 100,
    caller: Caller = Depends(on_behalf("ops:write")),
    service: Any = Depends(current_service),
) -> dict[str, Any]:
    """The ``first`` of them, and how many there are."""
    wanted = parked.Wanted(name, key, parked_after, parked_before)
    async with service.database.pool.acquire() as connection:
        rows = await parked.parked(connection, first, wanted, newest_first=newest_first)
    return {"items": rows, "total": rows[0]["total"] if rows else 0}


@router.post(
    "/dead-letters/{letter_id}/replay",
    operation_id="internal_replay_dead_letter",
    summary="Try it again",
    status_code=204,
)
async def replay_dead_letter(
    letter_id: str, caller: Caller = Depends(on_behalf("ops:write")), service: Any = Depends(current_service)
) -> Response:
    """From the first try, at once."""
    async with service.database.pool.acquire() as connection:
        done = await parked.replay(connection, letter_id, service.world.clock())
    service.wake("worker")
    return _settled(done, "replayed", letter_id, caller)


@router.delete(
    "/dead-letters/{letter_id}", operation_id="internal_drop_dead_letter", summary="Give it up", status_code=204
)
async def drop_dead_letter(
    letter_id: str, caller: Caller = Depends(on_behalf("ops:write")), service: Any = Depends(current_service)
) -> Response:
    """What waited behind it goes on."""
    async with service.database.pool.acquire() as connection:
        done = await parked.drop(connection, letter_id, service.world.clock())
    service.wake("worker")
    return _settled(done, "dropped", letter_id, caller)


def _settled(done: bool, what: str, letter_id: str, caller: Caller) -> Response:
    if not done:
        raise Problem(NOT_FOUND, "Nothing is parked under this id.")
    log.warning("a dead letter was %s", what, extra={"letter": letter_id, "user_id": caller.user_id})
    return Response(status_code=204)


@router.get("/jobs", operation_id="internal_list_jobs", summary="The jobs of this service")
async def list_jobs(
    caller: Caller = Depends(on_behalf("ops:write")), service: Any = Depends(current_service)
) -> dict[str, Any]:
    """Each with its schedule and its last run."""
    return {"items": await service.jobs.list()}


class ChangeJob(Body):
    """Whether it runs by its schedule."""

    enabled: bool


@router.patch("/jobs/{job}", operation_id="internal_change_job", summary="Have a job run, or not")
async def change_job(
    job: str,
    body: ChangeJob,
    caller: Caller = Depends(on_behalf("ops:write")),
    service: Any = Depends(current_service),
) -> dict[str, Any]:
    """The job as it is now."""
    done = await service.jobs.enable(job, body.enabled)
    return await _job(service, job, done, "enabled" if body.enabled else "disabled", caller)


@router.post("/jobs/{job}/run", operation_id="internal_run_job", summary="Run a job now", status_code=202)
async def run_job(
    job: str, caller: Caller = Depends(on_behalf("ops:write")), service: Any = Depends(current_service)
) -> dict[str, Any]:
    """Whichever replica takes it; one that runs already is not started once more."""
    return await _job(service, job, await service.jobs.start(job), "started", caller)


async def _job(service: Any, job: str, done: bool, what: str, caller: Caller) -> dict[str, Any]:
    found: list[dict[str, Any]] = await service.jobs.list()
    for row in found:
        if done and row["name"] == job:
            log.warning("a job was %s", what, extra={"job": job, "user_id": caller.user_id})
            return row
    raise Problem(NOT_FOUND, f"There is no job {job}.")


@router.get("/stories/{subject}", operation_id="internal_tell_story", summary="What this service knows of a thing")
async def tell_story(
    subject: str,
    correlationid: Several = None,
    caller: Caller = Depends(on_behalf("ops:read")),
    service: Any = Depends(current_service),
) -> dict[str, Any]:
    """In time order, by its id and the correlation ids of what moved it."""
    return {"items": await story.told(service, subject, correlationid or [])}
