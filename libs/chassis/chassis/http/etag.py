"""``ETag``, ``If-None-Match`` and ``If-Match`` on single resources.

A tag is ``"version"``, or ``"version-rest"`` where the answer shows more than what is changed by its route: a read
compares the whole tag, a write the version alone.
"""

from dataclasses import dataclass

from fastapi import Request, Response

from chassis.http.problems import PRECONDITION_FAILED, Problem


def etag(version: int | str, rest: int | str | None = None) -> str:
    """The entity tag of a version."""
    return f'"{version}"' if rest is None else f'"{version}-{rest}"'


@dataclass(frozen=True, slots=True)
class Tags:
    """The answer's tag: ``tags: Tags = Depends(tagging)``."""

    request: Request
    response: Response

    def unchanged(self, version: int | str, rest: int | str | None = None) -> Response | None:
        """Tag the answer to a read; a 304 to return instead when the client has just this.

        ``if same := tags.unchanged(version): return same``
        """
        headers = _headers(etag(version, rest))
        if names(self.request.headers.getlist("if-none-match"), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        self.response.headers.update(headers)
        return None

    def tell(self, version: int | str, rest: int | str | None = None) -> None:
        """Tag the answer to a write."""
        self.response.headers.update(_headers(etag(version, rest)))


async def tagging(request: Request, response: Response) -> Tags:
    """Its answers carry an ``ETag``; a read is a 304 for whoever has this one."""
    return Tags(request, response)


@dataclass(frozen=True, slots=True)
class Precondition:
    """The client's ``If-Match``: ``known: Precondition = Depends(precondition)``."""

    given: tuple[str, ...] = ()

    def check(self, version: int | str) -> None:
        """412 where the client named tags, and none of this version."""
        if not self.given or "*" in self.given:
            return
        if not any(tag.startswith((f'"{version}"', f'"{version}-')) for tag in self.given):
            raise Problem(PRECONDITION_FAILED, headers={"ETag": etag(version)})

    def at(self, version: int) -> int | None:
        """The version to expect of a stream whose state was checked when it was at ``version``; None: any will do."""
        return version if self.given and "*" not in self.given else None


async def precondition(request: Request) -> Precondition:
    """Only the version that the client knows is changed."""
    return Precondition(tuple(_tags(request.headers.getlist("if-match"))))


def names(headers: list[str], tag: str) -> bool:
    """Whether ``If-None-Match`` names this tag."""
    given = _tags(headers)
    return "*" in given or tag in given


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache"}


def _tags(headers: list[str]) -> set[str]:
    """Proxies that compress weaken a tag: ``W/`` does not matter to us."""
    return {part.strip().removeprefix("W/") for header in headers for part in header.split(",")}
