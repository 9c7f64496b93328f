"""What roles there are and what they allow, for those who run the shop."""

from datetime import datetime
from typing import Annotated, Any, Final

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
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
    idempotency,
    paging,
    precondition,
    problems,
    replayed,
    request_context,
    right,
    tagging,
)
from chassis.once import Once
from fastapi import Depends, Path, Request, Response
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from soko_contracts.rights import PRESETS, RIGHTS

from identity import domain, roles
from identity.app import Identity
from identity.fields import Line, RoleName
from identity.problems import LAST_ADMIN, PRESET_ROLE, RIGHT_NOT_YOURS, ROLE_IN_USE, TOO_MANY_ROLES
from identity.tables import roles as rows

router = Router(prefix="/api/v1", tags=["Identity"])

SAID: Final = {
    "customer": "Whoever registers: what is their own, and nothing else.",
    "staff": "Runs the shop day by day.",
    "admin": "May do everything.",
}
"""What the presets are for."""


def _right(value: str) -> str:
    if value not in RIGHTS:
        raise ValueError("is not a right: GET /api/v1/rights lists them")
    return value


Right = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(_right), Field(json_schema_extra={"enum": list(RIGHTS)})
]
Rights = Annotated[list[Right], Field(max_length=100)]
Name = Annotated[RoleName, Path()]


class NewRole(Body):
    """A role beside customer, staff and admin. Nobody gives it a right that they do not have themselves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "packer", "description": "Packs and ships", "rights": ["orders:read", "orders:fulfil"]}
            ]
        }
    )

    name: RoleName
    description: Line = ""
    rights: Rights


class RoleChange(Body):
    """What is left out stays as it is; ``rights`` are all that it allows from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rights": ["orders:read"]}]})

    description: Line = ""
    rights: Rights = Field(default_factory=list)


class RoleAnswer(Answer):
    """A role and what it allows. A ``preset`` is in every shop and stays as it is."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "packer",
                    "description": "Packs and ships",
                    "rights": ["orders:fulfil", "orders:read"],
                    "preset": False,
                    "created_at": "2026-03-01T12:00:00Z",
                    "updated_at": "2026-03-01T12:00:00Z",
                }
            ]
        },
    )

    name: str
    description: str
    rights: list[str]
    preset: bool
    created_at: datetime | None
    updated_at: datetime | None

    @staticmethod
    def of(row: Any) -> "RoleAnswer":
        """From a row of ``roles``."""
        known = {**row._mapping, "rights": sorted(domain.known(row.rights)), "preset": False}
        return RoleAnswer.model_validate(known)


class RightAnswer(Answer):
    """A right, and what whoever has it may do."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "orders:read", "allows": RIGHTS["orders:read"]}]}
    )

    name: str
    allows: str


SHIPPED: Final = [
    RoleAnswer(
        name=name,
        description=SAID.get(name, ""),
        rights=sorted(allowed),
        preset=True,
        created_at=None,
        updated_at=None,
    )
    for name, allowed in PRESETS.items()
]


@router.get(
    "/rights", operation_id="list_rights", summary="List what a role can allow", response_model=Listing[RightAnswer]
)
async def list_rights(
    request: Request, page: Paging = Depends(paging()), _: Caller = Depends(right("users:read"))
) -> Listing[RightAnswer]:
    every = [RightAnswer(name=name, allows=allows) for name, allows in RIGHTS.items()]
    return page.answer(every[page.offset : page.offset + page.limit], len(every), request)


@router.get("/roles", operation_id="list_roles", summary="List roles", response_model=Listing[RoleAnswer])
async def list_roles(
    request: Request,
    page: Paging = Depends(paging()),
    _: Caller = Depends(right("users:read")),
    service: Identity = Depends(current_service),
) -> Listing[RoleAnswer]:
    """Those of every shop come first, then this shop's own by name."""
    async with service.database.engine.connect() as sql:
        own = (await sql.execute(rows.select().order_by(rows.c.name).limit(roles.MOST))).all()
    every = [*SHIPPED, *map(RoleAnswer.of, own)]
    return page.answer(every[page.offset : page.offset + page.limit], len(every), request)


@router.post(
    "/roles",
    operation_id="define_role",
    summary="Define a role",
    status_code=201,
    response_model=RoleAnswer,
    responses=problems(NOT_FOUND, RIGHT_NOT_YOURS, TOO_MANY_ROLES),
)
async def define_role(
    body: NewRole,
    response: Response,
    caller: Caller = Depends(right("users:write")),
    once: Once | None = Depends(idempotency()),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> RoleAnswer:
    async with service.unit(context, once and once.for_(body.name)) as unit:
        if unit.replayed is None:
            row: sa.Row[Any] | None = await roles.define(unit, body.name, body.description, body.rights, caller)
        else:
            row = (await unit.sql.execute(rows.select().where(rows.c.name == unit.replayed))).one_or_none()
            replayed(response)
    if row is None:  # deleted since
        raise Problem(NOT_FOUND)
    tags.tell(row.version)
    response.headers["Location"] = f"/api/v1/roles/{row.name}"
    return RoleAnswer.of(row)


@router.get("/roles/{role}", operation_id="get_role", summary="Show a role", response_model=RoleAnswer)
async def get_role(
    role: Name,
    _: Caller = Depends(right("users:read")),
    tags: Tags = Depends(tagging),
    service: Identity = Depends(current_service),
) -> Any:
    if found := next((each for each in SHIPPED if each.name == role), None):
        return found
    async with service.database.engine.connect() as sql:
        row = (await sql.execute(rows.select().where(rows.c.name == role))).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND)
    return tags.unchanged(row.version) or RoleAnswer.of(row)


@router.patch(
    "/roles/{role}",
    operation_id="change_role",
    summary="Change what a role allows",
    response_model=RoleAnswer,
    responses=problems(RIGHT_NOT_YOURS, LAST_ADMIN, PRESET_ROLE),
)
async def change_role(
    role: Name,
    body: RoleChange,
    caller: Caller = Depends(right("users:write")),
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> RoleAnswer:
    """Access tokens that say what it allowed before stop within seconds; a refresh gets one that says it anew."""
    given = body.model_dump(exclude_unset=True)
    async with service.unit(context) as unit:
        before = await roles.locked(unit, role)
        if before is None:
            raise Problem(NOT_FOUND)
        known.check(before.version)
        changes = {"description": given.get("description"), "allowed": given.get("rights")}
        after = await roles.change(service, unit, before, **changes, by=caller)
    tags.tell(after.version)
    return RoleAnswer.of(after)


@router.delete(
    "/roles/{role}",
    operation_id="delete_role",
    summary="Delete a role that nobody has",
    status_code=204,
    response_model=None,
    responses=problems(PRESET_ROLE, ROLE_IN_USE),
)
async def delete_role(
    role: Name,
    caller: Caller = Depends(right("users:write")),
    known: Precondition = Depends(precondition),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    async with service.unit(context) as unit:
        before = await roles.locked(unit, role)
        if before is None:
            raise Problem(NOT_FOUND)
        known.check(before.version)
        await roles.delete(unit, before, caller)
