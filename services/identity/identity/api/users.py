"""All accounts, for those who run the shop."""

from typing import Annotated, Any

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Body,
    Caller,
    Listing,
    Moment,
    Paging,
    Precondition,
    Problem,
    Router,
    Tags,
    current_service,
    idempotency,
    ordering,
    paging,
    precondition,
    problems,
    replayed,
    request_context,
    right,
    tagging,
)
from chassis.once import Once
from fastapi import Depends, Query, Request, Response
from pydantic import ConfigDict, Field, SecretStr, StrictBool, model_validator

from identity import accounts, factors
from identity.api.models import Id, UserAnswer
from identity.app import Identity
from identity.domain import PASSWORD_LONGEST, PASSWORD_SHORTEST
from identity.fields import Email, Language, Line, Phone, RoleName, Username
from identity.problems import LAST_ADMIN, MFA_NOT_ENABLED, RIGHT_NOT_YOURS
from identity.tables import users

router = Router(prefix="/api/v1/users", tags=["Identity"])


class NewUser(Body):
    """An account with at least one of ``email``, ``username`` and ``phone``; it may log in at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "packer@soko.example", "password": "a long sentence", "role": "staff"}]
        }
    )

    email: Email | None = None
    username: Username | None = None
    phone: Phone | None = None
    password: Annotated[SecretStr, Field(min_length=PASSWORD_SHORTEST, max_length=PASSWORD_LONGEST)]
    first_name: Line = ""
    last_name: Line = ""
    language: Language | None = None
    role: RoleName = "customer"

    @model_validator(mode="after")
    def _some_name(self) -> "NewUser":
        if self.email is None and self.username is None and self.phone is None:
            raise ValueError("must hold an email, a username or a phone")
        return self


class UserChange(Body):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "staff"}, {"active": False}]})

    role: RoleName = "customer"
    active: StrictBool = True


async def filters(
    role: Annotated[list[RoleName] | None, Query(max_length=20, description="Repeated: any of them.")] = None,
    active: Annotated[bool | None, Query()] = None,
    verified: Annotated[bool | None, Query()] = None,
    search: Annotated[
        str | None,
        Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="In e-mail, username, phone and names."),
    ] = None,
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> list[sa.ColumnElement[bool]]:
    """The conditions of a list of accounts, all of which have to hold."""
    conditions: list[sa.ColumnElement[bool]] = []
    if role:
        conditions.append(users.c.role.in_(role))
    if active is not None:
        conditions.append(users.c.active == active)
    if verified is not None:
        conditions.append(users.c.verified == verified)
    if search is not None:
        texts = (users.c.email, users.c.username, users.c.phone, users.c.first_name + " " + users.c.last_name)
        conditions.append(sa.or_(*(text.icontains(search, autoescape=True) for text in texts)))
    if created_after is not None:
        conditions.append(users.c.created_at >= created_after)
    if created_before is not None:
        conditions.append(users.c.created_at < created_before)
    return conditions


@router.get(
    "",
    operation_id="list_users",
    summary="List accounts",
    response_model=Listing[UserAnswer],
)
async def list_users(
    request: Request,
    page: Paging = Depends(paging()),
    order: list[tuple[str, bool]] = Depends(
        ordering("created_at", "updated_at", "email", "username", "role", default="-created_at")
    ),
    conditions: list[sa.ColumnElement[bool]] = Depends(filters),
    _: Caller = Depends(right("users:read")),
    service: Identity = Depends(current_service),
) -> Listing[UserAnswer]:
    """Accounts without the ordered column come last."""
    by = [(users.c[name].desc() if descending else users.c[name].asc()).nulls_last() for name, descending in order]
    rows = users.select().where(*conditions).order_by(*by).limit(page.limit).offset(page.offset)
    count = sa.select(sa.func.count()).select_from(users).where(*conditions)
    async with service.database.engine.connect() as sql:
        total = (await sql.execute(count)).scalar_one()
        found = (await sql.execute(rows)).all()
    return page.answer([UserAnswer.of(row) for row in found], total, request)


@router.post(
    "",
    operation_id="create_user",
    summary="Create an account",
    status_code=201,
    response_model=UserAnswer,
    responses=problems(RIGHT_NOT_YOURS),
)
async def create_user(
    body: NewUser,
    response: Response,
    caller: Caller = Depends(right("users:write")),
    once: Once | None = Depends(idempotency()),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> UserAnswer:
    """It counts as verified: whoever creates it vouches for its address."""
    new = accounts.New(**body.model_dump(exclude={"password"}), password=body.password.get_secret_value())
    row, again = await accounts.create(service, new, context, once, caller)
    if again:
        replayed(response)
    tags.tell(row.version)
    response.headers["Location"] = f"/api/v1/users/{row.id}"
    return UserAnswer.of(row)


@router.get(
    "/{user_id}",
    operation_id="get_user",
    summary="Show an account",
    response_model=UserAnswer,
)
async def get_user(
    user_id: Id,
    _: Caller = Depends(right("users:read")),
    tags: Tags = Depends(tagging),
    service: Identity = Depends(current_service),
) -> Any:
    async with service.database.engine.connect() as sql:
        row = (await sql.execute(users.select().where(users.c.id == user_id))).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND)
    return tags.unchanged(row.version) or UserAnswer.of(row)


@router.patch(
    "/{user_id}",
    operation_id="change_user",
    summary="Change an account's role, or close and reopen it",
    response_model=UserAnswer,
    responses=problems(LAST_ADMIN, RIGHT_NOT_YOURS),
)
async def change_user(
    user_id: Id,
    body: UserChange,
    caller: Caller = Depends(right("users:write")),
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> UserAnswer:
    """Access tokens that say otherwise stop within seconds; after a change of role a refresh gets a new one."""
    given = body.model_dump(exclude_unset=True)
    async with service.unit(context) as unit:
        before = await accounts.locked(unit, user_id)
        if before is None:
            raise Problem(NOT_FOUND)
        known.check(before.version)
        changes = {"role": given.get("role"), "active": given.get("active")}
        after = await accounts.administer(service, unit, before, **changes, by=caller)
    tags.tell(after.version)
    return UserAnswer.of(after)


@router.delete(
    "/{user_id}/mfa",
    operation_id="disable_mfa_of",
    summary="Turn an account's second factor off",
    status_code=204,
    response_model=None,
    responses=problems(MFA_NOT_ENABLED),
)
async def disable_mfa_of(
    user_id: Id,
    caller: Caller = Depends(right("users:write")),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """For somebody who lost the app and all recovery codes: make sure who asks. The owner is told."""
    async with service.unit(context) as unit:
        before = await accounts.locked(unit, user_id)
        if before is None:
            raise Problem(NOT_FOUND)
        await factors.disable(service, unit, before, by=caller.user_id)
