"""Recurring jobs, of all services: seen, switched, run now."""

from datetime import datetime
from typing import Annotated, Any

from chassis.http import Answer, Body, Listing, Paging, Problem, Router, invalid, paging, right
from fastapi import Depends, Path, Query
from pydantic import ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from gateway.operators.asking import MISSING, Asking, ServiceName, asking, segment
from gateway.operators.dead_letters import AWAY

router = Router(prefix="/api/v1/ops", tags=["Operators"])

JOB: JsonDict = {
    "name": "order.sweep",
    "service": "order",
    "schedule": "every 0:10:00",
    "enabled": True,
    "running": False,
    "next_at": "2026-03-01T12:10:00Z",
    "last_started_at": "2026-03-01T12:00:00Z",
    "last_finished_at": "2026-03-01T12:00:00Z",
    "last_result": "deleted 12 idempotency keys, 480 done, 510 seen",
    "last_error": None,
}


class JobAnswer(Answer):
    """A job: its service and name make its `name` here. One that is disabled has no `next_at`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [JOB]})

    name: str
    service: str
    schedule: str
    enabled: bool
    running: bool
    next_at: datetime | None
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_result: str | None
    last_error: str | None


class Jobs(Listing[JobAnswer]):
    """One page of the jobs of all services that answered."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"items": [JOB], "total": 1, "next": None, "previous": None, "missing": []}]},
    )

    missing: list[str] = Field(description=MISSING)


class JobBody(Body):
    """Which job, and whether it runs by its schedule."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"name": "order.sweep", "enabled": True}]}
    )

    name: str = Field(max_length=200)
    enabled: StrictBool


@router.get("/jobs", operation_id="list_jobs", summary="The recurring jobs of all services")
async def list_jobs(
    service: Annotated[list[ServiceName] | None, Query(description="Only of these services.")] = None,
    enabled: Annotated[bool | None, Query(description="Only those that run by their schedule, or only others.")] = None,
    page: Paging = Depends(paging()),
    ask: Asking = Depends(asking(right("ops:write"))),
) -> Jobs:
    """By service and name, each with its last run. A service that is away is named in `missing`."""
    answers, missing = await ask.all("/ops/jobs", service)
    found = [_job(service, row) for service, answer in sorted(answers.items()) for row in answer["items"]]
    found = [job for job in found if enabled is None or job.enabled is enabled]
    listed = page.answer(found[page.offset : page.offset + page.limit], len(found), ask.request)
    return Jobs(**dict(listed), missing=missing)


@router.patch("/jobs", operation_id="change_job", summary="Have a job run by its schedule, or not", responses=AWAY)
async def change_job(body: JobBody, ask: Asking = Depends(asking(right("ops:write")))) -> JobAnswer:
    """One that is disabled still runs when somebody starts it."""
    service, _, job = body.name.partition(".")
    try:
        answer = await ask.one("PATCH", service, f"/ops/jobs/{segment(job)}", {"enabled": body.enabled})
    except Problem as problem:
        if problem.kind.status == 404:
            raise invalid("/name", "must name a job that there is, as in order.sweep") from None
        raise
    return _job(service, answer.json())


@router.post("/jobs/{job}/run", operation_id="run_job", summary="Run a job now", status_code=202, responses=AWAY)
async def run_job(
    job: Annotated[str, Path(max_length=200, examples=[JOB["name"]])],
    ask: Asking = Depends(asking(right("ops:write"))),
) -> JobAnswer:
    """It begins within seconds, unless it runs already; the list says what came of it."""
    service, _, own = job.partition(".")
    return _job(service, (await ask.one("POST", service, f"/ops/jobs/{segment(own)}/run")).json())


def _job(service: str, row: dict[str, Any]) -> JobAnswer:
    return JobAnswer(**{**row, "name": f"{service}.{row['name']}", "service": service})
