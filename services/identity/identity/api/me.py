"""One's own account and sessions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    UNAUTHENTICATED,
    Answer,
    Body,
    Caller,
    Listing,
    Paging,
    Precondition,
    Problem,
    Router,
    Tags,
    current_service,
    invalid,
    paging,
    precondition,
    problems,
    request_context,
    signed_in,
    tagging,
)
from chassis.http.auth import CHALLENGE
from fastapi import Depends, Request
from pydantic import ConfigDict

from identity import accounts, addressing, sessions
from identity.api.models import Id, UserAnswer
from identity.api.origin import address_of
from identity.app import Identity
from identity.fields import Email, Language, Line, Phone, Username
from identity.problems import LAST_LOGIN_NAME, TOO_MANY_ATTEMPTS
from identity.tables import sessions as session_rows
from identity.tables import users

router = Router(prefix="/api/v1/users/me", tags=["Identity"])


class Profile(Body):
    """What is left out stays as it is. A new ``email`` or ``phone`` is pending until its code is confirmed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"first_name": "Amina", "language": "sw"}]})

    first_name: Line = ""
    last_name: Line = ""
    username: Username | None = None
    email: Email = ""
    phone: Phone | None = None
    language: Language = ""


class WholeProfile(Body):
    """What is left out is cleared. ``language`` is required, and ``email`` where the account has one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "customer@soko.example", "first_name": "Amina", "last_name": "W.", "language": "sw"}]
        }
    )

    first_name: Line = ""
    last_name: Line = ""
    username: Username | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language


class SessionAnswer(Answer):
    """A place where this account is logged in, or an application that acts for it. ``current`` is the one that asks."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
                    "device": "Mozilla/5.0 (X11; Linux x86_64)",
                    "address": "203.0.113.7",
                    "created_at": "2026-03-01T12:00:00Z",
                    "last_used_at": "2026-03-01T12:30:00Z",
                    "current": True,
                    "client_id": None,
                }
            ]
        }
    )

    id: str
    device: str
    address: str
    created_at: datetime
    last_used_at: datetime
    current: bool
    client_id: str | None


@router.get(
    "",
    operation_id="get_me",
    summary="Show the own account",
    response_model=UserAnswer,
)
async def get_me(
    caller: Caller = Depends(signed_in),
    tags: Tags = Depends(tagging),
    service: Identity = Depends(current_service),
) -> Any:
    async with service.database.engine.connect() as sql:
        row = (await sql.execute(users.select().where(users.c.id == caller.user_id))).one_or_none()
    if row is None:
        raise gone()
    return tags.unchanged(row.version) or UserAnswer.of(row)


@router.patch(
    "",
    operation_id="change_me",
    summary="Change the own account",
    response_model=UserAnswer,
    responses=problems(LAST_LOGIN_NAME, TOO_MANY_ATTEMPTS),
)
async def change_me(
    body: Profile,
    request: Request,
    caller: Caller = Depends(signed_in),
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> UserAnswer:
    said = body.model_dump(exclude_unset=True)
    return await _changed(said, caller, service, context, request=request, known=known, tags=tags)


@router.put(
    "",
    operation_id="replace_me",
    summary="Replace what the own account says",
    response_model=UserAnswer,
    responses=problems(LAST_LOGIN_NAME, TOO_MANY_ATTEMPTS),
)
async def replace_me(
    body: WholeProfile,
    request: Request,
    caller: Caller = Depends(signed_in),
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> UserAnswer:
    """As PATCH with every field: a new `email` or `phone` is pending until its code is confirmed."""
    return await _changed(body.model_dump(), caller, service, context, request=request, known=known, tags=tags)


async def _changed(
    said: dict[str, Any],
    caller: Caller,
    service: Identity,
    context: Context,
    *,
    request: Request,
    known: Precondition,
    tags: Tags,
) -> UserAnswer:
    with accounts.taken_is_422():
        async with service.unit(context) as unit:
            before = await accounts.owned(unit, caller.user_id or "")
            if before is None:
                raise gone()
            known.check(before.version)
            if "email" in said and said["email"] is None:
                if before.email is not None:
                    raise invalid("/email", "is required: it can be replaced and not taken away")
                del said["email"]
            changes = await addressing.propose(service, unit, before, said, address_of(request))
            after = await accounts.amend(unit, before, changes)
    tags.tell(after.version)
    return UserAnswer.of(after)


@router.get(
    "/sessions",
    operation_id="list_sessions",
    summary="List where the own account is logged in",
    response_model=Listing[SessionAnswer],
)
async def list_sessions(
    request: Request,
    page: Paging = Depends(paging()),
    caller: Caller = Depends(signed_in),
    service: Identity = Depends(current_service),
) -> Listing[SessionAnswer]:
    """The one used last comes first."""
    own = (session_rows.c.user_id == caller.user_id) & (session_rows.c.expires_at > service.world.clock())
    rows = session_rows.select().where(own).order_by(session_rows.c.last_used_at.desc(), session_rows.c.id.desc())
    async with service.database.engine.connect() as sql:
        total = (await sql.execute(sa.select(sa.func.count()).select_from(session_rows).where(own))).scalar_one()
        found = (await sql.execute(rows.limit(page.limit).offset(page.offset))).mappings().all()
    items = [SessionAnswer.model_validate({**row, "current": row["id"] == caller.session_id}) for row in found]
    return page.answer(items, total, request)


@router.delete(
    "/sessions",
    operation_id="end_other_sessions",
    summary="Log out everywhere else",
    status_code=204,
    response_model=None,
)
async def end_others(
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    async with service.unit(context) as unit:
        life = service.settings.access_token_life
        await sessions.end(unit.sql, caller.user_id or "", "logout", unit.now, life, but=caller.session_id)


@router.delete(
    "/sessions/{session_id}",
    operation_id="end_session",
    summary="End one of the own sessions",
    status_code=204,
    response_model=None,
)
async def end_session(
    session_id: Id,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    async with service.unit(context) as unit:
        life = service.settings.access_token_life
        ended = await sessions.end(unit.sql, caller.user_id or "", "logout", unit.now, life, only=session_id)
    if not ended:
        raise Problem(NOT_FOUND)


def gone() -> Problem:
    """401: the token is good and its account is not there any more."""
    return Problem(UNAUTHENTICATED, "The account does not exist any more.", headers=CHALLENGE)
