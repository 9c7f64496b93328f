"""What is read from files and served as it is: the API documents, the pages that show them, their scripts."""

import asyncio
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import orjson
import yaml
from chassis.http.problems import exported

from gateway import openapi

ASYNCAPI: Final = Path(__file__).with_name("asyncapi.json")
STATIC: Final = Path(__file__).with_name("static")
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "application/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
VIEWERS: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js")
LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
OUR_LOGO: Final = b"/static/favicon.svg"
"""ReDoc fetches its maker's logo from elsewhere: a page that shows our documents asks nobody else for anything."""


@dataclass(frozen=True)
class File:
    """Bytes with their type and tag."""

    body: bytes
    content_type: str

    @cached_property
    def etag(self) -> bytes:
        return f'"{crc32(self.body):08x}"'.encode()


class Documents:
    """Each file is read when it is first asked for, and kept."""

    def __init__(self, openapi_file: Path = openapi.FILE) -> None:
        self._openapi_file = openapi_file
        self._files: dict[str, File | None] = {}

    def openapi(self) -> File | None:
        """The merged document as JSON; None while nobody has made it."""
        return self._kept("openapi.json", lambda: _read(self._openapi_file, "application/json"))

    async def openapi_yaml(self) -> File | None:
        """The same as YAML."""
        source = self.openapi()
        if source is None or "openapi.yaml" in self._files:
            return self._files.get("openapi.yaml")
        text = await asyncio.to_thread(_as_yaml, source.body)
        return self._kept("openapi.yaml", lambda: File(text, "application/yaml"))

    def asyncapi(self) -> File | None:
        """The messages' document."""
        return self._kept("asyncapi.json", lambda: _read(ASYNCAPI, "application/json"))

    def static(self, name: str) -> File | None:
        """A page, style or script of the gateway's own, or of the documentation viewers."""
        if "/" in name or name.startswith("."):
            return None
        content_type = TYPES.get(Path(name).suffix, "application/octet-stream")
        if name in VIEWERS:
            return self._kept(f"static/{name}", lambda: _at_home(_read(_viewers() / name, content_type)))
        return self._kept(f"static/{name}", lambda: _read(STATIC / name, content_type))

    def problems(self) -> Iterable[Mapping[str, Any]]:
        """Every kind of problem: those this process knows, and those the services said when the document was made."""
        return self._problems.values()

    def problem(self, slug: str) -> Mapping[str, Any] | None:
        """One kind of problem."""
        return self._problems.get(slug)

    @cached_property
    def _problems(self) -> Mapping[str, Mapping[str, Any]]:
        document = self.openapi()
        told = orjson.loads(document.body).get("x-problems", ()) if document else ()
        known = {each["slug"]: each for each in (*told, *exported())}
        return {slug: known[slug] for slug in sorted(known)}

    def _kept(self, name: str, read: Callable[[], File | None]) -> File | None:
        if name not in self._files:
            found = read()
            if found is None:
                # Not kept: names come from outside.
                return None
            self._files[name] = found
        return self._files[name]


def _read(path: Path, content_type: str) -> File | None:
    try:
        return File(path.read_bytes(), content_type)
    except (OSError, ValueError):
        # Names come from outside: too long, or with a U+0000 in them.
        return None


def _at_home(file: File | None) -> File | None:
    return file and replace(file, body=file.body.replace(LOGO, OUR_LOGO))


def _viewers() -> Path:
    """Swagger UI and ReDoc lie in a package that is here for these files alone: found, not imported."""
    spec = importlib.util.find_spec("fastapi_offline")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("fastapi-offline is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "static"


def _as_yaml(text: bytes) -> bytes:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumped: str = yaml.dump(orjson.loads(text), Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    return dumped.encode()
