"""The files of pictures: in a folder or in any S3, each picture under the hash of what it is.

A file never changes, so it may be kept for ever, and several products may show the same. ``picture_files`` names every
picture that may have files, before the first of them is written. From ``free_from`` on nobody needs them, unless a row
of ``images`` refers to them: who brings a picture puts that moment off, who shows it sets it to null, who takes it off
a product sets it anew. A job deletes what is free, the files under the lock of their row and the row with them: who
brings the same picture meanwhile waits for that and writes them again. So whatever dies, no row lacks its files, and
files without a row in ``images`` are found and deleted.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import obstore
from chassis.http import UNAVAILABLE, Problem
from chassis.jobs import Job
from chassis.service import Service
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url
from sqlalchemy import text

from catalog.pictures import SIZES, Renditions, renditions
from catalog.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE: Final = 1
"""Uploads unpacked side by side in one process."""
PUT_AT_ONCE: Final = 32
HELD: Final = timedelta(minutes=15)
"""How long whoever brings a picture has until a product shows it."""
BATCH: Final = 100
"""Pictures deleted in one transaction."""
CONNECT_SECONDS: Final = 2
PATIENCE_SECONDS: Final = 10
PROBE: Final = "soko-check"
CODE: Final = re.compile(r"<Code>(\w+)</Code>")
NO_BUCKET: Final = "NoSuchBucket"
"""A file that is not there and a bucket that is not there are the same 404."""

HOLD: Final = """
INSERT INTO picture_files (name, free_from) SELECT unnest($1::text[]), $2
ON CONFLICT (name) DO UPDATE SET free_from = excluded.free_from WHERE picture_files.free_from IS NOT NULL
"""
# Those that are shown all the same, by another product or by one that showed them again.
STILL_SHOWN: Final = """
UPDATE picture_files f SET free_from = null
WHERE free_from <= $1 AND EXISTS (SELECT FROM images WHERE file = f.name)
"""
FREE: Final = text(f"""
SELECT name FROM picture_files f
WHERE free_from <= :now AND NOT EXISTS (SELECT FROM images WHERE file = f.name)
ORDER BY free_from LIMIT {BATCH} FOR UPDATE SKIP LOCKED
""")
GONE: Final = text("DELETE FROM picture_files WHERE name = ANY(:names)")


class Pictures:
    """Makes and keeps the files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hands = ThreadPoolExecutor(AT_ONCE, "pictures")
        self._opened: ObjectStore | None = None

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            url = self._settings.media_url.get_secret_value()
            if url:
                self._opened = opened(url)
            else:
                folder = self._settings.soko_home.resolve() / "media"
                folder.mkdir(parents=True, exist_ok=True)
                self._opened = LocalStore(folder)
        return self._opened

    async def made(self, data: bytes) -> Renditions:
        """The sizes of an upload, made in a thread. Raises NotAPicture."""
        return await asyncio.get_running_loop().run_in_executor(self._hands, renditions, data)

    async def keep(self, service: Service, made: Sequence[Renditions]) -> None:
        """Write the files of these pictures, to be shown within ``HELD``. Raises Problem (503)."""
        names = sorted({each.name for each in made})
        await service.database.pool.execute(HOLD, names, service.world.clock() + HELD)
        turns = asyncio.Semaphore(PUT_AT_ONCE)

        async def put(name: str, size: str, data: bytes) -> None:
            async with turns:
                await obstore.put_async(self._store, _path(name, size), data)

        try:
            await asyncio.gather(*(put(each.name, size, each.files[size]) for each in made for size in SIZES))
        except (BaseError, OSError) as error:
            raise away(error) from error

    async def read(self, name: str, size: str) -> bytes | None:
        """One file; None where there is none. Raises Problem (503)."""
        try:
            found = await obstore.get_async(self._store, _path(name, size))
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            if NO_BUCKET in str(error):
                raise away(error) from error
            return None
        except (BaseError, OSError) as error:
            raise away(error) from error

    async def missing(self) -> str | None:
        """Why nothing can be kept, found out by trying, in one line; None where all is well."""
        try:
            await obstore.put_async(self._store, PROBE, b"written by soko check")
            await (await obstore.get_async(self._store, PROBE)).bytes_async()
            await obstore.delete_async(self._store, PROBE)
        except (BaseError, OSError, ValueError) as error:
            return _reason(error)
        return None

    async def drop(self, names: Sequence[str]) -> None:
        """Delete the files of these pictures, as many as there are of them. Raises obstore's errors, and OSError."""
        for name in names:
            for size in SIZES:
                try:
                    await obstore.delete_async(self._store, _path(name, size))
                except FileNotFoundError:
                    continue


def opened(url: str) -> ObjectStore:
    """The store that ``MEDIA_URL`` names, not yet asked for anything. Raises obstore's errors, and ValueError."""
    if url.startswith("file:"):
        return from_url(url)
    return from_url(
        url,
        client_options={
            "allow_http": True,  # only where the endpoint's address says so
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=PATIENCE_SECONDS),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=PATIENCE_SECONDS)},
    )


def away(error: Exception) -> Problem:
    """503 for a store that does not do what it should. The log says why: the error's text may name servers."""
    log.warning("the store of pictures does not do it: %s", _reason(error))
    detail = "Where the pictures are kept cannot be reached."
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": "5"}, service="media")


def pictures_of(service: Service) -> Pictures:
    """The one of this process."""
    kept: Pictures = service.app.state.pictures
    return kept


async def delete_free(service: Service) -> str:
    """Delete the files that nobody needs any more."""
    now, gone, some = service.world.clock(), 0, BATCH
    await service.database.pool.execute(STILL_SHOWN, now)
    while some == BATCH:
        async with service.database.engine.begin() as sql:
            names = list(await sql.scalars(FREE, {"now": now}))
            await pictures_of(service).drop(names)
            if names:
                await sql.execute(GONE, {"names": names})
        some = len(names)
        gone += some
    return f"deleted the files of {gone} pictures"


DELETE_FREE = Job("delete-free-pictures", delete_free, every=timedelta(minutes=10))


def _reason(error: Exception) -> str:
    """What happened, on one line, and the code that an S3 gave it. obstore says more, over many lines."""
    text = str(error)
    code = CODE.search(text)
    return text.partition("\n")[0].partition(": <")[0] + (f" ({code[1]})" if code else "")


def _path(name: str, size: str) -> str:
    return f"{name[-2:]}/{name}/{size}.webp"
