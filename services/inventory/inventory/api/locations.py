"""The places where units are kept."""

from typing import Annotated, Any

from chassis.context import Context
from chassis.executing import Moved
from chassis.http import (
    NOT_FOUND,
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
    replayed,
    request_context,
    right,
    tagging,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Path, Request, Response

from inventory.api.models import MAIN, LocationAnswer, LocationBody, LocationChangeBody
from inventory.domain.location import Add, Change, location
from inventory.queries import all_locations, location_of

router = Router(prefix="/api/v1", tags=["Inventory"])

LocationId = Annotated[str, Path(max_length=36, description="The location.", examples=[MAIN])]


async def place_of(service: Service, location_id: str) -> Any:
    """The location. 404 where there is none."""
    async with service.database.engine.connect() as sql:
        if found := await location_of(sql, location_id):
            return found
    raise Problem(NOT_FOUND, "There is no such location.")


@router.get(
    "/inventory/locations",
    operation_id="list_locations",
    summary="List the locations",
    dependencies=[Depends(right("inventory:read"))],
)
async def list_locations(
    request: Request, paging: Paging = Depends(paging()), service: Service = Depends(current_service)
) -> Listing[LocationAnswer]:
    """Where units are kept, in the order in which orders are served from there."""
    async with service.database.engine.connect() as sql:
        rows, total = await all_locations(sql, paging.limit, paging.offset)
    return paging.answer([LocationAnswer.model_validate(row) for row in rows], total, request)


@router.post(
    "/inventory/locations",
    status_code=201,
    operation_id="add_location",
    summary="Add a location",
    dependencies=[Depends(right("inventory:write"))],
)
async def add_location(
    body: LocationBody,
    response: Response,
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
    once: Once | None = Depends(idempotency()),
) -> LocationAnswer:
    """A place that can hold units from now on."""
    made = service.world.ids()
    once = once.for_(made) if once else None
    done = await service.execute(location, made, Add(body.name, body.priority), context, once, new=True)
    if done.replayed:
        replayed(response)
        made = done.resource_id or made
    return LocationAnswer.model_validate(await place_of(service, made))


@router.get(
    "/inventory/locations/{location_id}",
    operation_id="get_location",
    summary="Show a location",
    response_model=LocationAnswer,
    dependencies=[Depends(right("inventory:read"))],
)
async def get_location(
    location_id: LocationId, tags: Tags = Depends(tagging), service: Service = Depends(current_service)
) -> Any:
    """A place where units are kept."""
    row = await place_of(service, location_id)
    return tags.unchanged(row.version) or LocationAnswer.model_validate(row)


@router.patch(
    "/inventory/locations/{location_id}",
    operation_id="change_location",
    summary="Change a location",
    response_model=LocationAnswer,
    dependencies=[Depends(right("inventory:write"))],
)
async def change_location(
    location_id: LocationId,
    body: LocationChangeBody,
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> LocationAnswer:
    """Its name, or when it gives. What orders have reserved already stays where it is."""
    command = Change(location_id, body.name, body.priority)
    while True:
        row = await place_of(service, location_id)
        known.check(row.version)
        try:
            await service.execute(location, location_id, command, context, expected=known.at(row.version))
            break
        except Moved:
            continue
    row = await place_of(service, location_id)
    tags.tell(row.version)
    return LocationAnswer.model_validate(row)
