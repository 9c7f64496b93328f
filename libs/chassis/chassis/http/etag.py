"""``ETag``, ``If-None-Match`` and ``If-Match`` on single resources, from their version."""

from fastapi import Request, Response

from chassis.http.problems import PRECONDITION_FAILED, Problem


def etag(version: int | str) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def tagged(request: Request, response: Response, version: int | str, *, cache: str = "no-cache") -> Response | None:
    """Set ``ETag`` and ``Cache-Control`` on ``response``; a 304 to return instead when the client has this version.

    ``if unchanged := tagged(request, response, version): return unchanged``
    """
    headers = {"ETag": etag(version), "Cache-Control": cache}
    if _names(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return None


def if_match(request: Request, version: int | str) -> None:
    """412 where ``If-Match`` is there and names another version than ``version``."""
    given = request.headers.getlist("if-match")
    if given and not _names(given, etag(version)):
        raise Problem(PRECONDITION_FAILED, headers={"ETag": etag(version)})


def _names(headers: list[str], tag: str) -> bool:
    """Proxies that compress weaken a tag: ``W/`` does not matter to us."""
    tags = {part.strip().removeprefix("W/") for header in headers for part in header.split(",")}
    return "*" in tags or tag in tags
