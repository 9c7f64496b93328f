"""Pictures of products over HTTP."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from chassis.http import (
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    Caller,
    Listing,
    Paging,
    Problem,
    Router,
    anyone,
    body_limit,
    current_service,
    idempotency,
    invalid,
    paging,
    problems,
    tagging,
)
from chassis.http.etag import etag, names
from chassis.once import Once
from chassis.service import Service
from chassis.unit import Unit
from fastapi import Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy import Row
from starlette.datastructures import UploadFile

from catalog import images, picture_files
from catalog.api.answers import Image, image_answer
from catalog.api.asking import Asking, Editing, Id, IdOrSlug, as_json, asking, changing, editing, missing
from catalog.api.bodies import ImagePatch
from catalog.cache import Ready
from catalog.domain import Product, Status
from catalog.pictures import NotAPicture, Renditions
from catalog.refusals import TOO_MANY_IMAGES
from catalog.views import lock_product, product_by_id_or_slug

router = Router(prefix="/api/v1", tags=["Images"])

MIB: Final = 1024 * 1024
NAME: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A hash; the first pictures were called by their ids."""
DIGITS: Final = re.compile(r"[0-9]{1,9}")
KINDS: Final = ("image/jpeg", "image/png", "image/webp")
FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable", "Accept-Ranges": "none"}
FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary", "examples": ["(the file's bytes)"]}}
FIELDS: Final[dict[str, Any]] = {
    "file": {"type": "string", "format": "binary"},
    "alt": {"type": "string", "maxLength": 200},
    "position": {"type": "integer", "minimum": 0, "maximum": 1000},
    "variant_id": {"type": "string"},
}
FORM: Final[dict[str, Any]] = {
    "schema": {"type": "object", "required": ["file"], "properties": FIELDS},
    "example": {"file": "(the file's bytes)", "alt": "The kettle from the side"},
}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": FORM, **dict.fromkeys(KINDS, FILE)},
    }
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file and what was said of it."""

    data: bytes
    about: ImagePatch


@router.get(
    "/products/{key}/images",
    operation_id="list_images",
    summary="A product's pictures",
    response_model=Listing[Image],
)
async def list_images(key: IdOrSlug, page: Paging = Depends(paging()), ask: Asking = Depends(asking)) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            shown = await product_by_id_or_slug(sql, key)
            if shown is None or not (ask.staff or shown.product.status is Status.active):
                raise missing("product")
            found = [image_answer(row) for row in await images.images_of(sql, shown.product.id)]
        part = found[page.offset : page.offset + page.limit]
        return Ready.of(as_json(page.answer(part, len(found), ask.request)))

    return await ask.seen(read)


@router.post(
    "/products/{key}/images",
    operation_id="add_image",
    summary="Add a picture to a product",
    description="JPEG, PNG or WebP, 8 MiB and 25 megapixels (WebP: 16) at most: the file itself as the body, or a form"
    " with `file` and what is to be said of it. What it is its content says, not its type. Only its pixels are kept,"
    " upright, as WebP in three sizes. Those from `position` on move down; without it the picture comes last.",
    status_code=201,
    response_model=Image,
    responses=problems(TOO_MANY_IMAGES, UNSUPPORTED_MEDIA_TYPE, TOO_LARGE, UNAVAILABLE),
    openapi_extra={**body_limit(8 * MIB), **BODY},
)
async def add_image(
    key: IdOrSlug, edit: Editing = Depends(editing), once: Once | None = Depends(idempotency())
) -> Response:
    async with edit.sql() as sql:
        shown = await product_by_id_or_slug(sql, key)
    if shown is None:
        raise missing("product")
    upload, id_ = await _uploaded(edit), edit.service.world.ids()
    if (made := await edit.service.recall(once)) is None:
        _check(shown.product, upload.about)
        if len(shown.images) >= images.MOST:
            raise Problem(TOO_MANY_IMAGES)
        made = await _added(edit, key, id_, upload.about, await _kept(edit, upload.data), once)
    edit.answers.drop()
    return edit.made(await _read(edit, made), f"/api/v1/images/{made}", again=made != id_)


async def _kept(edit: Editing, data: bytes) -> Renditions:
    pictures = picture_files.pictures_of(edit.service)
    try:
        picture = await pictures.made(data)
    except NotAPicture as no:
        raise invalid("/file", str(no)) from None
    await pictures.keep(edit.service, [picture])
    return picture


async def _added(edit: Editing, key: str, id_: str, about: ImagePatch, picture: Renditions, once: Once | None) -> str:
    async with edit.service.unit(edit.context, once and once.for_(id_)) as unit:
        if unit.replayed is not None:
            return unit.replayed
        shown = await lock_product(unit.sql, key)
        if shown is None:
            raise missing("product")
        _check(shown.product, about)
        row = {
            "id": id_,
            "product_id": shown.product.id,
            "variant_id": about.variant_id,
            "file": picture.name,
            "position": about.position,
            "alt": about.alt or "",
            "width": picture.width,
            "height": picture.height,
        }
        await images.add_image(unit, row)
    return id_


async def _uploaded(edit: Editing) -> Upload:
    request = edit.request
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in KINDS:
        return Upload(await request.body(), ImagePatch())
    if kind != "multipart/form-data":
        raise Problem(UNSUPPORTED_MEDIA_TYPE, f"The body must be multipart/form-data, {', '.join(KINDS)}.")
    async with request.form(max_files=1, max_fields=3) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise invalid("/file", "is required")
        said: dict[str, Any] = {name: value for name, value in form.items() if name != "file"}
        if DIGITS.fullmatch(str(said.get("position", ""))):
            said["position"] = int(said["position"])
        try:
            about = ImagePatch.model_validate(said)
        except ValidationError as no:
            raise invalid(f"/{no.errors()[0]['loc'][0]}", str(no.errors()[0]["msg"])) from None
        return Upload(await file.read(), about)


@router.get("/images/{image_id}", operation_id="get_image", summary="One picture", response_model=Image)
async def get_image(image_id: Id, ask: Asking = Depends(asking)) -> Response:
    return ask.reply(await _read(ask, image_id))


@router.get(
    "/images/{picture}/{size}.webp",
    operation_id="get_image_file",
    summary="A picture's file: it never changes",
    response_class=Response,
    responses={200: {"content": {"image/webp": FILE}}, **problems(UNAVAILABLE)},
    dependencies=[Depends(tagging)],
)
async def get_image_file(
    picture: Annotated[str, Path(description="As a picture's URLs have it.")],
    size: Literal["thumbnail", "medium", "large"],
    request: Request,
    _: Caller = Depends(anyone),
    service: Service = Depends(current_service),
) -> Response:
    kept = picture_files.pictures_of(service)
    data = await kept.read(picture, size) if NAME.fullmatch(picture) else None
    if data is None:
        raise missing("picture")
    headers = {**FOR_EVER, "ETag": etag(picture, size)}
    if names(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="image/webp", headers=headers)


@router.patch(
    "/images/{image_id}",
    operation_id="change_image",
    summary="Say where a picture stands, what it shows, and of which variant it is",
    description="The product's other pictures keep their order and make room at `position`; beyond the last is last.",
    response_model=Image,
)
async def change_image(image_id: Id, body: ImagePatch, edit: Editing = Depends(changing)) -> Response:
    async with edit.service.unit(edit.context) as unit:
        image, product = await _locked(edit, unit, image_id)
        _check(product, body)
        await images.change_image(unit, image, body.given())
    edit.answers.drop()
    return edit.reply(await _read(edit, image_id))


@router.delete(
    "/images/{image_id}",
    operation_id="delete_image",
    summary="Take a picture off its product",
    description="Its files are deleted within half an hour, unless another picture is the same.",
    status_code=204,
    response_class=Response,
)
async def delete_image(image_id: Id, edit: Editing = Depends(changing)) -> Response:
    async with edit.service.unit(edit.context) as unit:
        image, _ = await _locked(edit, unit, image_id)
        await images.delete_image(unit, image)
    edit.answers.drop()
    return Response(status_code=204)


async def _locked(edit: Editing, unit: Unit, image_id: str) -> tuple[Row[Any], Product]:
    """A picture as it is under its product's lock: whoever changes one moves the others."""
    found = await images.image_by_id(unit.sql, image_id)
    shown = await lock_product(unit.sql, found.product_id) if found else None
    image = await images.image_by_id(unit.sql, image_id)
    if image is None or shown is None:
        raise missing("picture")
    edit.known.check(image.sequence)
    return image, shown.product


def _check(product: Product, about: ImagePatch) -> None:
    if about.variant_id is not None and all(each.id != about.variant_id for each in product.variants):
        raise invalid("/variant_id", "is not a variant of this product")


async def _read(ask: Asking, id_: str) -> Ready:
    async with ask.sql() as sql:
        image = await images.image_by_id(sql, id_)
    if image is None:
        raise missing("picture")
    return Ready.of(as_json(image_answer(image)), image.sequence)
