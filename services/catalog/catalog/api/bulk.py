"""Many products at once over HTTP: in as JSON or CSV, out as CSV."""

import asyncio
import contextlib
from tempfile import TemporaryFile
from typing import IO, Any, Final

from chassis.http import (
    UNSUPPORTED_MEDIA_TYPE,
    Caller,
    Listing,
    Paging,
    Problem,
    Router,
    body_limit,
    current_service,
    idempotency,
    paging,
    problems,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Response
from fastapi.responses import StreamingResponse

from catalog.api.answers import ImportAnswer, RowAnswer, import_answer, row_answers
from catalog.api.asking import Asking, Editing, Id, as_json, editing, missing
from catalog.api.bodies import BulkRow
from catalog.api.examples import CSV
from catalog.bulk import imports
from catalog.bulk.applying import State
from catalog.bulk.exporting import exported
from catalog.bulk.reading import csv_rows, json_rows
from catalog.cache import Ready
from catalog.fast import STAFF

router = Router(prefix="/api/v1", tags=["Products"])

MIB: Final = 1024 * 1024
AT_ONCE: Final = 200
"""Rows that are worked off before the answer."""
WITHIN: Final = 20.0
"""Seconds that the answer waits for them."""
ROW: Final = {
    name: value
    for name, value in BulkRow.model_json_schema(ref_template="#/components/schemas/{model}").items()
    if name != "$defs"
}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["items"],
                    "additionalProperties": False,
                    "examples": [{"items": ROW["examples"]}],
                    "properties": {
                        "items": {"type": "array", "items": ROW, "minItems": 1, "maxItems": imports.MOST_ROWS}
                    },
                },
            },
            "text/csv": {"schema": {"type": "string"}, "example": CSV},
        },
    }
}


@router.post(
    "/products/bulk",
    operation_id="import_products",
    summary="Create and change many products",
    description="A row a SKU, 10,000 at most, in JSON (the array alone will do) or as CSV. Up to 200 rows are answered "
    "when they are done; more are an import that goes on by itself. `atomic=true`: all rows or none. In CSV, "
    "`attributes.<name>` and `options.<name>` are columns too, and `|` stands between categories.",
    response_model=ImportAnswer,
    responses={
        202: {"model": ImportAnswer, "description": "Taken; it goes on by itself"},
        **problems(UNSUPPORTED_MEDIA_TYPE),
    },
    openapi_extra={**body_limit(32 * MIB), **BODY},
)
async def import_products(
    atomic: bool = False, edit: Editing = Depends(editing), once: Once | None = Depends(idempotency())
) -> Response:
    id_ = edit.service.world.ids()
    with TemporaryFile() as file:
        rows = await _uploaded(edit, file)
        async with edit.service.unit(edit.context, once and once.for_(id_)) as unit:
            if unit.replayed is None:
                await imports.take(unit, id_, rows, atomic=atomic, by=edit.caller.key)
    made = unit.replayed or id_
    return await _answer(edit, made, again=unit.replayed is not None)


async def _uploaded(edit: Editing, file: IO[bytes]) -> Any:
    """The rows of the body, which goes to the disk first: they are read from there one after the other."""
    kind = edit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/csv"):
        raise Problem(UNSUPPORTED_MEDIA_TYPE, "The body must be application/json or text/csv.")
    if edit.request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(UNSUPPORTED_MEDIA_TYPE, "The body must come as it is: nothing is unpacked here.")
    async for chunk in edit.request.stream():
        file.write(chunk)
    file.seek(0)
    return json_rows(file) if kind == "application/json" else csv_rows(file, edit.currency)


async def _answer(edit: Editing, id_: str, *, again: bool) -> Response:
    async with edit.sql() as sql:
        found = await imports.progress(sql, id_)
    if found is None:
        raise missing("import")
    if found.total <= AT_ONCE:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                await _finish(edit.service, found)
    async with edit.sql() as sql:
        found = await imports.progress(sql, id_)
        rows = await imports.results(sql, id_, None, AT_ONCE, 0)
    assert found is not None
    path = f"/api/v1/imports/{id_}"
    following = f"{path}?page={AT_ONCE // 100 + 1}&page_size=100" if found.total > len(rows) else None
    listing = Listing[RowAnswer].model_construct(
        items=row_answers(rows), total=found.total, next=following, previous=None
    )
    ready = Ready.of(as_json(import_answer(found, listing)))
    return edit.made(ready, path, again=again, status=202 if found.finished_at is None else 200)


async def _finish(service: Service, found: imports.Progress) -> None:
    while await imports.is_open(service, found.id):
        if not await imports.work_on(service, found.id, atomic=found.atomic):
            await asyncio.sleep(0.05)


@router.get(
    "/imports/{import_id}",
    operation_id="get_import",
    summary="How far an import is, and what has become of each row",
    response_model=ImportAnswer,
)
async def get_import(
    import_id: Id, state: State | None = None, page: Paging = Depends(paging()), edit: Editing = Depends(editing)
) -> Response:
    return edit.reply(await _read(edit, import_id, state, page))


async def _read(ask: Asking, id_: str, state: State | None, page: Paging) -> Ready:
    async with ask.sql() as sql:
        found = await imports.progress(sql, id_)
        if found is None:
            raise missing("import")
        rows = await imports.results(sql, id_, state, page.limit, page.offset)
    total = found.total if state is None else found.counts.get(state, 0)
    return Ready.of(as_json(import_answer(found, page.answer(row_answers(rows), total, ask.request))))


@router.get(
    "/products.csv",
    operation_id="export_products",
    summary="All products as CSV, a line a variant",
    description="Drafts and archived ones too. What a spreadsheet would take for a formula stands behind an "
    "apostrophe, which `POST /products/bulk` takes away again.",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": CSV}}}},
)
async def export_products(
    _: Caller = Depends(right(STAFF)), service: Service = Depends(current_service)
) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="products.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(exported(service), media_type="text/csv; charset=utf-8", headers=headers)
