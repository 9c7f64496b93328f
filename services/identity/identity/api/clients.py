"""The applications that may log people in here, for administrators."""

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
    Problem,
    Router,
    current_service,
    idempotency,
    paging,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from fastapi import Depends, Request, Response
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from identity.api.models import Id
from identity.app import Identity
from identity.fields import Filled
from identity.openid import clients, scopes
from identity.openid.clients import Kind
from identity.openid.scopes import SCOPES, Scope
from identity.tables import clients as rows

router = Router(prefix="/api/v1/clients", tags=["Identity"])

RedirectUri = Annotated[str, StringConstraints(max_length=500), AfterValidator(clients.redirect_uri)]

SHOWN: Final[dict[str, Any]] = {
    "id": "0198c0de-8b02-7e26-8d1f-3a5c7b9d1e2f",
    "name": "Kettle Club",
    "kind": "confidential",
    "redirect_uris": ["https://club.example/callback"],
    "scopes": ["email", "openid"],
    "created_at": "2026-03-01T12:00:00Z",
}


class NewClient(Body):
    """A client. `public` ones keep no secret, `machine` ones act for themselves and have no `redirect_uris`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{name: SHOWN[name] for name in ("name", "kind", "redirect_uris", "scopes")}]}
    )

    name: Filled
    kind: Kind = "confidential"
    redirect_uris: Annotated[list[RedirectUri], Field(max_length=clients.REDIRECTS)] = []  # noqa: RUF012 - pydantic copies it
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES))]


class ClientAnswer(Answer):
    """A client; `scopes` are the most that it may ask for."""

    model_config = ConfigDict(json_schema_extra={"examples": [SHOWN]})

    id: str
    name: str
    kind: Kind
    redirect_uris: list[str]
    scopes: list[str]
    created_at: datetime


class CreatedClient(ClientAnswer):
    """The new client. `secret` is null for a public one, and where an earlier request made it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**SHOWN, "secret": "tTzGb9…"}]})

    secret: str | None


@router.get("", operation_id="list_clients", summary="List clients", response_model=Listing[ClientAnswer])
async def list_clients(
    request: Request,
    page: Paging = Depends(paging()),
    _: Caller = Depends(right("clients:write")),
    service: Identity = Depends(current_service),
) -> Listing[ClientAnswer]:
    """The newest comes first."""
    newest = rows.select().order_by(rows.c.created_at.desc(), rows.c.id.desc()).limit(page.limit).offset(page.offset)
    async with service.database.engine.connect() as sql:
        total = (await sql.execute(sa.select(sa.func.count()).select_from(rows))).scalar_one()
        found = (await sql.execute(newest)).all()
    return page.answer([ClientAnswer(**_shown(row)) for row in found], total, request)


@router.post(
    "",
    operation_id="create_client",
    summary="Register a client",
    status_code=201,
    response_model=CreatedClient,
    responses=problems(NOT_FOUND),
)
async def create_client(
    body: NewClient,
    response: Response,
    caller: Caller = Depends(right("clients:write")),
    once: Once | None = Depends(idempotency()),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> CreatedClient:
    """Its secret is shown here and never again: it is kept as a hash. A lost one is a new client."""
    row, secret, again = await clients.create(service, clients.New(**dict(body)), context, once, caller.user_id)
    if again:
        replayed(response)
    response.headers["Location"] = f"/api/v1/clients/{row.id}"
    response.headers["Cache-Control"] = "no-store"
    return CreatedClient(**_shown(row), secret=secret)


@router.get("/{client_id}", operation_id="get_client", summary="Show a client", response_model=ClientAnswer)
async def get_client(
    client_id: Id,
    _: Caller = Depends(right("clients:write")),
    service: Identity = Depends(current_service),
) -> ClientAnswer:
    async with service.database.engine.connect() as sql:
        row = (await sql.execute(rows.select().where(rows.c.id == client_id))).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND)
    return ClientAnswer(**_shown(row))


@router.delete(
    "/{client_id}", operation_id="delete_client", summary="Delete a client", status_code=204, response_model=None
)
async def delete_client(
    client_id: Id,
    caller: Caller = Depends(right("clients:write")),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """All that it was given ends with it, everywhere within seconds."""
    async with service.unit(context) as unit:
        if not await clients.delete(service, unit, client_id, caller.user_id):
            raise Problem(NOT_FOUND)


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    shown = dict(row._mapping)
    return {**{name: shown[name] for name in SHOWN if name in shown}, "scopes": sorted(scopes.split(shown["scope"]))}
