"""The pictures of products: rows in the database, files in a folder or in any S3.

Files are written before their row and deleted after it: what dies in between leaves files that nobody refers to, never
a row without its files. A file never changes, so it may be kept for ever.
"""

import asyncio
import logging
from typing import Any, Final

import obstore
from chassis.service import Service
from chassis.unit import Unit
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.pictures import SIZES, Renditions, renditions
from catalog.settings import Settings
from catalog.tables import images

log = logging.getLogger(__name__)

MOST: Final = 20
"""Pictures of one product."""
AT_ONCE: Final = 2
"""Pictures unpacked side by side: each takes up to 160 MB for a moment."""


class Pictures:
    """Makes and keeps the files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._opened: ObjectStore | None = None

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            url = self._settings.media_url.get_secret_value()
            if url:
                self._opened = from_url(url)
            else:
                folder = self._settings.soko_home.resolve() / "media"
                folder.mkdir(parents=True, exist_ok=True)
                self._opened = LocalStore(folder)
        return self._opened

    async def made(self, data: bytes) -> Renditions:
        """The sizes of an upload, made in a thread. Raises NotAPicture."""
        async with self._turns:
            return await asyncio.to_thread(renditions, data)

    async def keep(self, image_id: str, made: Renditions) -> None:
        """Write all sizes."""
        await asyncio.gather(*(obstore.put_async(self._store, _path(image_id, n), made.files[n]) for n in SIZES))

    async def read(self, image_id: str, size: str) -> bytes | None:
        """One size; None where there is none."""
        try:
            found = await obstore.get_async(self._store, _path(image_id, size))
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None

    async def drop(self, image_id: str) -> None:
        """Delete all sizes, as far as that can be done now."""
        try:
            await obstore.delete_async(self._store, [_path(image_id, name) for name in SIZES])
        except (BaseError, OSError) as error:
            log.warning("the files of image %s are left: %r", image_id, error)


def _path(image_id: str, size: str) -> str:
    return f"{image_id[-2:]}/{image_id}/{size}.webp"


def pictures_of(service: Service) -> Pictures:
    """The one of this process."""
    kept: Pictures = service.app.state.pictures
    return kept


async def images_of(sql: AsyncConnection, product_id: str) -> list[Row[Any]]:
    """A product's pictures, in their order."""
    found = select(images).where(images.c.product_id == product_id).order_by(images.c.position, images.c.id)
    return list(await sql.execute(found))


async def image_by_id(sql: AsyncConnection, id_: str, *, lock: bool = False) -> Row[Any] | None:
    """One picture."""
    found = select(images).where(images.c.id == id_)
    return (await sql.execute(found.with_for_update() if lock else found)).first()


async def add_image(unit: Unit, image: dict[str, Any]) -> bool:
    """Insert a picture, last unless it says where; false where the product has as many as it may have.

    The product's row is locked.
    """
    mine = images.c.product_id == image["product_id"]
    last = select(func.count(), func.max(images.c.position)).where(mine)
    count, position = (await unit.sql.execute(last)).one()
    if count >= MOST:
        return False
    if image["position"] is None:
        image = {**image, "position": 0 if position is None else position + 1}
    await unit.sql.execute(insert(images).values({**image, "sequence": 1, "created_at": unit.now}))
    return True


async def change_image(unit: Unit, before: Row[Any], changes: dict[str, Any]) -> None:
    """Where it stands, what it says, and which variant it shows. The row is locked."""
    values = {**changes, "sequence": before.sequence + 1}
    await unit.sql.execute(update(images).where(images.c.id == before.id).values(values))


async def delete_image(unit: Unit, id_: str) -> None:
    """Take it off its product."""
    await unit.sql.execute(images.delete().where(images.c.id == id_))
