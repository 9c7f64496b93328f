"""Which products show which pictures, in which order."""

from datetime import datetime
from typing import Any, Final

from chassis.http import Problem
from chassis.unit import Unit
from sqlalchemy import Row, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.picture_files import HELD
from catalog.refusals import TOO_MANY_IMAGES
from catalog.tables import images, picture_files

MOST: Final = 20
"""Pictures of one product."""

PLACE: Final = text("""
UPDATE images SET position = placed.position - 1
FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS placed (id, position)
WHERE images.id = placed.id AND images.position <> placed.position - 1
""")


async def images_of(sql: AsyncConnection, product_id: str) -> list[Row[Any]]:
    """A product's pictures, in their order."""
    found = select(images).where(images.c.product_id == product_id).order_by(images.c.position, images.c.id)
    return list(await sql.execute(found))


async def image_by_id(sql: AsyncConnection, id_: str) -> Row[Any] | None:
    """One picture."""
    return (await sql.execute(select(images).where(images.c.id == id_))).first()


async def add_image(unit: Unit, image: dict[str, Any]) -> None:
    """Show a picture whose files are held, last unless its ``position`` says where. Raises Problem where it is one
    too many. The product's row is locked."""
    ids = [row.id for row in await images_of(unit.sql, image["product_id"])]
    if len(ids) >= MOST:
        raise Problem(TOO_MANY_IMAGES)
    place = len(ids) if image["position"] is None else image["position"]
    await keep_files(unit, [image["file"]])
    await unit.sql.execute(insert(images).values(image_row(image, len(ids), unit.now)))
    await _place(unit, ids, image["id"], place)


def image_row(image: dict[str, Any], position: int, now: datetime) -> dict[str, Any]:
    """A new picture's row."""
    return {**image, "position": position, "sequence": 1, "created_at": now}


async def keep_files(unit: Unit, names: list[str]) -> None:
    """The files of these pictures are shown from now on; where they are gone, their foreign key will say so."""
    shown = update(picture_files).where(picture_files.c.name.in_(names), picture_files.c.free_from.is_not(None))
    await unit.sql.execute(shown.values(free_from=None))


async def change_image(unit: Unit, before: Row[Any], changes: dict[str, Any]) -> None:
    """Where it stands, what it says, and which variant it shows. The product's row is locked."""
    place = changes.pop("position", None)
    values = {**changes, "sequence": before.sequence + 1}
    await unit.sql.execute(update(images).where(images.c.id == before.id).values(values))
    if place is not None:
        ids = [row.id for row in await images_of(unit.sql, before.product_id) if row.id != before.id]
        await _place(unit, ids, before.id, place)


async def delete_image(unit: Unit, image: Row[Any]) -> None:
    """Take it off its product; the others move up. The product's row is locked."""
    await unit.sql.execute(delete(images).where(images.c.id == image.id))
    free = update(picture_files).where(picture_files.c.name == image.file)
    await unit.sql.execute(free.values(free_from=unit.now + HELD))
    await unit.sql.execute(PLACE, {"ids": [row.id for row in await images_of(unit.sql, image.product_id)]})


async def _place(unit: Unit, others: list[str], id_: str, place: int) -> None:
    """Among the others, which keep their order; beyond the last is last."""
    await unit.sql.execute(PLACE, {"ids": [*others[:place], id_, *others[place:]]})
