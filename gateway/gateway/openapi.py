"""One OpenAPI document of the whole shop, from those of its services."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from chassis.http import RATE_LIMITED, UNAVAILABLE, UPSTREAM_TIMEOUT
from chassis.http.openapi import tell
from chassis.http.problems import MEDIA_TYPE

Document = dict[str, Any]

FILE: Final = Path(__file__).with_name("openapi.json")
"""Where the merged document is kept. ``soko openapi`` writes it, the gateway serves it."""

REFERENCE: Final = "#/components/schemas/"
RESPONSES: Final = "#/components/responses/"
ANYTIME: Final = (RATE_LIMITED, UNAVAILABLE, UPSTREAM_TIMEOUT)
"""What every operation may be refused with, whatever its service says: too often asked, or it is away or silent."""
METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
DESCRIPTION: Final = """\
Money is `{"amount": "1250.00", "currency": "KES"}`, times are UTC, ids are UUIDv7 text; categories and products are
also addressed by slug, orders by number. What cannot be done is answered with a problem document (RFC 9457); each kind
is explained at its `type`. Lists take `page` and `page_size`, or `limit` and `offset`. A trailing slash is ignored.

Log in at `POST /api/v1/auth/login` and send `Authorization: Bearer …`; guests keep the `X-Cart-Token` that their first
write to a cart answers. Every answer carries `X-Request-ID`, the client's own or a new one."""


def merge(documents: Mapping[str, Document], problems: Iterable[Mapping[str, Any]] = ()) -> Document:
    """The document of the shop, from the services' documents by service name. Nothing given is changed.

    Paths stand in the order of the services and their routes. Where two services call different schemas by one name,
    the later one's is given its service's name in front. Raises ``ValueError`` where two services answer the same
    operation or share an operation id. ``problems`` is the registry, kept as ``x-problems``.
    """
    merged: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Soko", "version": "1", "summary": "A shop's backend.", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {},
    }
    owners: dict[str, str] = {}
    for service, document in documents.items():
        _add(merged, service, deepcopy(document), owners)
    _share_refusals(merged)
    merged["tags"] = [{"name": name} for name in dict.fromkeys(_tags(merged["paths"]))]
    merged["x-problems"] = [dict(each) for each in problems]
    return merged


def _add(merged: Document, service: str, document: Document, owners: dict[str, str]) -> None:
    renamed = _renamed(merged["components"].get("schemas", {}), document, service)
    document = _rewritten(document, renamed)
    for kind, parts in document.get("components", {}).items():
        known = merged["components"].setdefault(kind, {})
        for name, part in parts.items():
            known[renamed.get(name, name) if kind == "schemas" else name] = part
    for path, item in document.get("paths", {}).items():
        if path.startswith("/internal"):
            continue
        there = merged["paths"].setdefault(path, {})
        for method, operation in item.items():
            if method in there and method in METHODS:
                raise ValueError(f"{method.upper()} {path} is answered twice, the second time by {service}")
            if method in METHODS:
                _own(owners, operation.get("operationId"), service)
                tell(operation, ANYTIME)
            there[method] = operation


def _share_refusals(merged: Document) -> None:
    """An answer that says one kind of problem stands once in the document, under the problem's name."""
    shared = merged["components"].setdefault("responses", {})
    for item in merged["paths"].values():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            for status, response in operation["responses"].items():
                examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
                if len(examples) == 1:
                    (slug,) = examples
                    shared[slug] = response
                    operation["responses"][status] = {"$ref": RESPONSES + slug}


def _own(owners: dict[str, str], operation_id: str | None, service: str) -> None:
    if operation_id is None:
        return
    if operation_id in owners:
        raise ValueError(f"{service} and {owners[operation_id]} both have an operation {operation_id}")
    owners[operation_id] = service


def _renamed(known: Mapping[str, Any], document: Document, service: str) -> dict[str, str]:
    schemas = document.get("components", {}).get("schemas", {})
    return {
        name: f"{service.capitalize()}{name}"
        for name, schema in schemas.items()
        if name in known and known[name] != schema
    }


def _rewritten(value: Any, renamed: Mapping[str, str]) -> Any:
    """With every reference to a renamed schema following it."""
    if not renamed:
        return value
    if isinstance(value, dict):
        return {key: _rewritten(inner, renamed) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rewritten(each, renamed) for each in value]
    if isinstance(value, str) and value.startswith(REFERENCE):
        name = value.removeprefix(REFERENCE)
        return REFERENCE + renamed.get(name, name)
    return value


def _tags(paths: Mapping[str, Any]) -> Iterable[str]:
    for item in paths.values():
        for method, operation in item.items():
            if method in METHODS:
                yield from operation.get("tags", ())
