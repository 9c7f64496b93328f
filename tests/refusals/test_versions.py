"""What the document says of versions is so: whoever has one need not read it again, and nobody else reads so."""

import httpx
import pytest
from cast import Cast
from surface import Endpoint, public

READS = [
    # A login by a provider is no reading, and this shop knows no provider.
    each
    for each in public()
    if each.method == "GET" and not each.path.startswith("/api/v1/auth/providers/{")
]


async def read(cast: Cast, endpoint: Endpoint, **headers: str) -> httpx.Response:
    person = cast.admin if ":" in endpoint.access else cast.owner
    return await cast.shop.door.get(
        cast.path(endpoint), params=cast.query(endpoint), headers={**person.headers, **headers}
    )


@pytest.mark.parametrize("endpoint", READS, ids=str)
async def test_a_read_says_its_version_where_the_document_does(endpoint: Endpoint, cast: Cast) -> None:
    told = "304" in endpoint.responses
    first = await read(cast, endpoint)
    assert (first.status_code, "etag" in first.headers) == (200, told), first.text
    # What was compressed is another text of the same thing.
    tag = first.headers.get("etag", '"1"').removeprefix("W/")
    again = await read(cast, endpoint, **{"If-None-Match": f'"another", {tag}'})
    assert (again.status_code, again.headers.get("etag")) == ((304, tag) if told else (200, None))
    assert bool(again.content) is not told
    assert (await read(cast, endpoint, **{"If-None-Match": '"another"'})).status_code == 200
