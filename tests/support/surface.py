"""Everything that can be asked of the shop over HTTP, as its routes and its merged OpenAPI document say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from chassis.http import Peers
from chassis.http.problems import MEDIA_TYPE
from chassis.http.routing import BODY_LIMIT, MIB
from chassis.http.testing import walk
from chassis.world import World
from gateway.operators import operators
from gateway.routes import OPERATORS
from soko import documents
from soko.services import SERVICES, load

JSON = "application/json"
UNGUARDED = (
    "/api/v1/auth/",
    "/.well-known/",
    "/api/v1/payments/webhooks/",
    "/api/v1/notifications/reports/",
    "/api/v1/notifications/unsubscribe",
)
"""Where bad credentials count as none."""


@cache
def document() -> dict[str, Any]:
    """The merged OpenAPI document, made from the code as it is now."""
    return documents.openapi()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. ``said`` is what the document says of it: nothing for those between services."""

    service: str
    method: str
    path: str
    operation_id: str
    access: str
    said: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Of the path, the query and the headers, references followed."""
        return [{**each, "schema": resolved(each.get("schema", {}))} for each in self.said.get("parameters", ())]

    def those_in(self, where: str) -> list[dict[str, Any]]:
        """Its parameters in ``path``, ``query`` or ``header``."""
        return [each for each in self.parameters if each["in"] == where]

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of its JSON body."""
        content = self.said.get("requestBody", {}).get("content", {})
        if JSON not in content:
            return None
        schema = resolved(content[JSON]["schema"])
        return not_null(schema)

    @property
    def body_is_required(self) -> bool:
        return bool(self.said.get("requestBody", {}).get("required"))

    @property
    def most(self) -> int:
        """The bytes that a body may have, here or with another method of the path: the gateway tells paths apart."""
        return max(int(said.get(BODY_LIMIT, MIB)) for said in document()["paths"][self.path].values())

    @property
    def example(self) -> Any:
        """A body that the document shows."""
        assert self.body is not None
        return self.body["examples"][0]

    @property
    def statuses(self) -> frozenset[int]:
        """What it says it may answer."""
        return frozenset(int(status) for status in self.responses)

    @property
    def responses(self) -> dict[str, dict[str, Any]]:
        """What it says of each answer, by status, references followed."""
        return {status: resolved(response) for status, response in self.said["responses"].items()}

    def refusals(self, status: int) -> set[str]:
        """The types of problems it says it may answer with this status."""
        told = self.responses.get(str(status), {}).get("content", {}).get(MEDIA_TYPE, {})
        return {example["value"]["type"] for example in told.get("examples", {}).values()}

    @property
    def names(self) -> list[str]:
        """The parts of the path that differ."""
        return re.findall(r"{(\w+)}", self.path)

    def at(self, **parts: str) -> str:
        """The path with these parts in it."""
        return self.path.format_map(parts)


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Every route of every service and of the gateway's own, those between services included."""
    return tuple(_walked())


def public() -> list[Endpoint]:
    """Those that the gateway routes and whose form is ours: how ``/oauth2`` asks and answers, its RFCs say."""
    return [each for each in endpoints() if not each.path.startswith(("/internal", "/oauth2"))]


def _walked() -> Iterator[Endpoint]:
    paths = document()["paths"]
    kinds = [load(service) for service in SERVICES]
    apps = {kind.name: kind.build(kind.settings(), World()).app for kind in kinds}
    for service, app in {**apps, OPERATORS: operators(Peers({}), SERVICES)}.items():
        for each in walk(app):
            said = paths.get(each.path, {}).get(each.method.lower(), {})
            yield Endpoint(service, each.method, each.path, each.operation_id, each.access, said)


def resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, answer or header with its reference followed."""
    while "$ref" in schema:
        _, _, kind, name = schema["$ref"].split("/")
        schema = {**document()["components"][kind][name], **{k: v for k, v in schema.items() if k != "$ref"}}
    return dict(schema)


def not_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``X | None`` the X, references followed."""
    schema = resolved(schema)
    others = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(others) == 1:
        kept = {name: value for name, value in schema.items() if name != "anyOf"}
        return not_null({**kept, **resolved(others[0])})
    return schema


def may_be_null(schema: Mapping[str, Any]) -> bool:
    """Whether null is a value of it."""
    return any(each.get("type") == "null" for each in resolved(schema).get("anyOf", ()))
