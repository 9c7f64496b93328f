"""Paths and headers that are wrong."""

from collections.abc import Iterator

from surface import JSON, UNGUARDED, Endpoint

from breaking.case import Case

BAD_IDS = (
    "x",
    "0",
    "-1",
    "null",
    "💥",
    "'%20or%201=1",
    "%00",
    "x%00y",
    "..%2f..",
    "%2e%2e",
    "%0a",
    "x" * 2000,
    "SO-",
    "{}",
)


def broken_paths(endpoint: Endpoint) -> Iterator[Case]:
    """Ids that name nothing."""
    for name in endpoint.names:
        for id_ in BAD_IDS:
            # A slash in it makes it another path, which may know other methods.
            yield Case(f"{name}={id_[:20]}", (404, 405, 422), path={name: id_})


def broken_headers(endpoint: Endpoint, good: bytes | None) -> Iterator[Case]:
    """Versions that are over, keys that are none."""
    told = {} if good is None else {"Content-Type": JSON}

    def case(name: str, statuses: tuple[int, ...], pointer: str | None = None, **headers: str | bytes) -> Case:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Case(name, statuses, good, {**told, **named}, pointer=pointer)

    yield Case("a body that is too large", (413,), b" " * (endpoint.most + 1), {"Content-Type": JSON})
    names = {each["name"]: each["required"] for each in endpoint.those_in("header")}
    if "If-Match" in names:
        for tag in ('"stale"', 'W/"0"', '"0", "1000000"', "garbage", ""):
            yield case(f"If-Match: {tag}", (412,), If_Match=tag)
    if "Idempotency-Key" in names:
        at = "/header/Idempotency-Key"
        yield case("a key of 256 characters", (422,), at, Idempotency_Key="k" * 256)
        yield case("an empty key", (422,), at, Idempotency_Key="")
        yield case("a key that is not ASCII", (422,), at, Idempotency_Key="schlüssel".encode())
        yield case("a key with a tab", (422,), at, Idempotency_Key=b"a\tb")
        if names["Idempotency-Key"]:
            yield case("no key", (400,))
    if not endpoint.path.startswith(UNGUARDED):
        for value in (
            "Basic dXNlcjpwYXNz",
            "Bearer",
            "Bearer x",
            "Bearer a.b.c",
            "Bearer " + "x" * 5000,
            "token",
            b"\xff",
        ):
            yield case(f"Authorization: {value[:20]!r}", (401,), Authorization=value)
        for token in ("short", "x" * 129):
            yield case(f"X-Cart-Token: {token[:20]}", (401,), X_Cart_Token=token)
