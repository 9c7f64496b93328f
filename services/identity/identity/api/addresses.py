"""One's own addresses: checkout takes one by its id."""

from typing import Any, Final

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Caller,
    Listing,
    Paging,
    Precondition,
    Problem,
    Router,
    Tags,
    current_service,
    idempotency,
    invalid,
    paging,
    precondition,
    problems,
    replayed,
    request_context,
    shopper,
    tagging,
)
from chassis.once import Once
from chassis.unit import Unit
from fastapi import Depends, Request, Response

from identity import accounts, fields
from identity.api.address_models import Address, AddressAnswer, AddressChange
from identity.api.me import gone
from identity.api.models import Id
from identity.app import Identity
from identity.problems import TOO_MANY_ADDRESSES
from identity.tables import addresses

router = Router(prefix="/api/v1/users/me/addresses", tags=["Identity"])

MOST: Final = 50


@router.get(
    "",
    operation_id="list_addresses",
    summary="List the own addresses",
    response_model=Listing[AddressAnswer],
)
async def list_addresses(
    request: Request,
    page: Paging = Depends(paging()),
    caller: Caller = Depends(shopper),
    service: Identity = Depends(current_service),
) -> Listing[AddressAnswer]:
    """The default comes first, then the newest."""
    own = addresses.c.user_id == caller.user_id
    rows = addresses.select().where(own)
    rows = rows.order_by(addresses.c.is_default.desc(), addresses.c.created_at.desc(), addresses.c.id.desc())
    async with service.database.engine.connect() as sql:
        total = (await sql.execute(sa.select(sa.func.count()).select_from(addresses).where(own))).scalar_one()
        found = (await sql.execute(rows.limit(page.limit).offset(page.offset))).all()
    return page.answer([AddressAnswer.of(row) for row in found], total, request)


@router.post(
    "",
    operation_id="add_address",
    summary="Add an address",
    status_code=201,
    response_model=AddressAnswer,
    responses=problems(NOT_FOUND, TOO_MANY_ADDRESSES),
)
async def add_address(
    body: Address,
    response: Response,
    caller: Caller = Depends(shopper),
    once: Once | None = Depends(idempotency()),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> AddressAnswer:
    values = body.model_dump() | {"phone": phone(body.phone, body.country)}
    id_, user_id = service.world.ids(), caller.user_id or ""
    async with service.unit(context, once and once.for_(id_)) as unit:
        if unit.replayed is None:
            if await accounts.owned(unit, user_id) is None:
                raise gone()
            own = await _own(unit, user_id)
            if len(own) >= MOST:
                raise Problem(TOO_MANY_ADDRESSES, f"An account holds at most {MOST} addresses.")
            is_default = values.pop("default") or not own
            if is_default:
                await _no_default(unit, user_id)
            values |= {"id": id_, "user_id": user_id, "is_default": is_default, "version": 1}
            values |= {"created_at": unit.now, "updated_at": unit.now}
            await unit.sql.execute(addresses.insert().values(values))
        else:
            replayed(response)
        row = await _one(unit, user_id, unit.replayed or id_)
    tags.tell(row.version)
    response.headers["Location"] = f"/api/v1/users/me/addresses/{row.id}"
    return AddressAnswer.of(row)


@router.get(
    "/{address_id}",
    operation_id="get_address",
    summary="Show an own address",
    response_model=AddressAnswer,
)
async def get_address(
    address_id: Id,
    caller: Caller = Depends(shopper),
    tags: Tags = Depends(tagging),
    service: Identity = Depends(current_service),
) -> Any:
    async with service.database.engine.connect() as sql:
        own = addresses.select().where(addresses.c.id == address_id, addresses.c.user_id == caller.user_id)
        row = (await sql.execute(own)).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND)
    return tags.unchanged(row.version) or AddressAnswer.of(row)


@router.patch(
    "/{address_id}",
    operation_id="change_address",
    summary="Change an own address",
    response_model=AddressAnswer,
)
async def change_address(
    address_id: Id,
    body: AddressChange,
    caller: Caller = Depends(shopper),
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> AddressAnswer:
    """Orders that were placed keep the address they were placed with."""
    changes, user_id = body.model_dump(exclude_unset=True), caller.user_id or ""
    async with service.unit(context) as unit:
        await accounts.locked(unit, user_id)
        before = await _one(unit, user_id, address_id)
        known.check(before.version)
        if "phone" in changes:
            changes["phone"] = phone(body.phone, changes.get("country", before.country))
        if "default" in changes:
            changes["is_default"] = changes.pop("default")
            if before.is_default and not changes["is_default"]:
                raise invalid("/default", "must not be taken away: make another address the default")
        changes = {name: value for name, value in changes.items() if getattr(before, name) != value}
        if changes:
            if changes.get("is_default"):
                await _no_default(unit, user_id)
            changes |= {"version": before.version + 1, "updated_at": unit.now}
            await unit.sql.execute(addresses.update().where(addresses.c.id == address_id).values(changes))
        row = await _one(unit, user_id, address_id)
    tags.tell(row.version)
    return AddressAnswer.of(row)


@router.delete(
    "/{address_id}",
    operation_id="delete_address",
    summary="Delete an own address",
    status_code=204,
    response_model=None,
)
async def delete_address(
    address_id: Id,
    caller: Caller = Depends(shopper),
    known: Precondition = Depends(precondition),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """Where it was the default, the newest of the others becomes it."""
    user_id = caller.user_id or ""
    async with service.unit(context) as unit:
        await accounts.locked(unit, user_id)
        row = await _one(unit, user_id, address_id)
        known.check(row.version)
        await unit.sql.execute(addresses.delete().where(addresses.c.id == address_id))
        others = await _own(unit, user_id)
        if row.is_default and others:
            changes = {"is_default": True, "version": others[-1].version + 1, "updated_at": unit.now}
            await unit.sql.execute(addresses.update().where(addresses.c.id == others[-1].id).values(changes))


def phone(value: str, country: str) -> str:
    """In E.164; without a code of its own it is a number of the address's country. A 422 names the field."""
    try:
        return fields.phone(value, country)
    except ValueError as fault:
        raise invalid("/phone", str(fault)) from None


async def _own(unit: Unit, user_id: str) -> "list[sa.Row[Any]]":
    """Oldest first."""
    rows = addresses.select().where(addresses.c.user_id == user_id).order_by(addresses.c.created_at, addresses.c.id)
    return list((await unit.sql.execute(rows)).all())


async def _one(unit: Unit, user_id: str, address_id: str) -> "sa.Row[Any]":
    own = addresses.select().where(addresses.c.id == address_id, addresses.c.user_id == user_id)
    row = (await unit.sql.execute(own)).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def _no_default(unit: Unit, user_id: str) -> None:
    old = addresses.update().where(addresses.c.user_id == user_id, addresses.c.is_default)
    await unit.sql.execute(old.values(is_default=False, version=addresses.c.version + 1, updated_at=unit.now))
