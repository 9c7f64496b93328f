import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

import httpx
import orjson
import pytest
import yaml
from chassis.fixtures import Clock, Identity
from chassis.http import problem_type, problems
from gateway.documents import Documents
from gateway.service import build
from gateway.settings import Settings

from gateway import openapi

KEY = "an internal key for these tests, 32 chars"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Soko", "version": "1"},
    "paths": {},
    "x-problems": [{"slug": "out-of-stock", "type": "/problems/out-of-stock", "status": 409}],
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(tmp_path, "development") as made:
        yield made


@asynccontextmanager
async def opened(home: Path, environment: Literal["development", "testing"]) -> AsyncIterator[httpx.AsyncClient]:
    clock = Clock()
    identity = Identity(clock)
    file = home / "openapi.json"
    file.write_bytes(orjson.dumps(DOCUMENT))
    settings = Settings(soko_env=environment, soko_internal_key=KEY, soko_home=home, public_url="http://127.0.0.1:8000")
    door = build(settings, {"identity": identity.app()}, clock, Documents(file))
    transport = httpx.ASGITransport(app=door.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://soko") as made:
        yield made


async def test_the_documentation_is_served_from_here_alone(client: httpx.AsyncClient) -> None:
    for path, viewer in (("/docs", "swagger-ui-bundle.js"), ("/redoc", "redoc.standalone.js")):
        shown = await client.get(path)
        script = await client.get(f"/static/{viewer}")

        assert shown.headers["content-type"].startswith("text/html")
        assert viewer in shown.text
        assert "http://" not in shown.text
        assert "https://" not in shown.text
        assert "default-src 'self'" in shown.headers["content-security-policy"]
        assert len(script.content) > 500_000


@pytest.mark.parametrize("path", ["/swagger", "/api/docs", "/api/docs/"])
async def test_other_ways_to_the_documentation_lead_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.headers["location"]) == (308, "/docs")


async def test_the_document_is_served_as_json_and_as_yaml(client: httpx.AsyncClient) -> None:
    as_json, as_yaml = await client.get("/openapi.json"), await client.get("/openapi.yaml")

    assert as_json.json() == DOCUMENT
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.text) == DOCUMENT
    again = await client.get("/openapi.json", headers={"If-None-Match": as_json.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_problems_are_explained_those_of_services_in_other_processes_too(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/problems")).json()["items"]
    one = await client.get("/problems/validation")
    other = await client.get("/problems/out-of-stock")

    assert [each["slug"] for each in listed] == sorted(each["slug"] for each in listed)
    assert (one.json()["status"], other.json()["status"]) == (422, 409)
    assert {"slug", "status", "title", "when", "client"} <= one.json().keys()


async def test_the_page_to_start_from_is_for_browsers_in_development(client: httpx.AsyncClient, tmp_path: Path) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml"}

    page = await client.get("/", headers=browser)
    plain = await client.get("/")

    assert "customer@soko.example" in page.text
    assert plain.json()["links"]["documentation"] == "/docs"
    async with opened(tmp_path, "testing") as strict:
        assert (await strict.get("/", headers=browser)).json()["name"] == "Soko"
        assert (await strict.get("/dev/mails")).status_code == 404


async def test_mails_that_were_written_to_files_are_shown_newest_first(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert (await client.get("/dev/mails")).json() == {"items": []}
    (tmp_path / "mail").mkdir()
    for number in (1, 2):
        mail = EmailMessage()
        mail["To"], mail["Subject"] = "customer@soko.example", f"Order {number} — confirmed"
        mail.set_content(f"Thank you, {number}.")
        path = tmp_path / "mail" / f"{number}.eml"
        path.write_bytes(bytes(mail))
        os.utime(path, (number, number))

    items = (await client.get("/dev/mails")).json()["items"]

    assert [each["subject"] for each in items] == ["Order 2 — confirmed", "Order 1 — confirmed"]
    assert items[0]["text"] == "Thank you, 2.\n"


async def test_an_sms_is_shown_among_the_mails(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "sms").mkdir()
    said = "Date: Sun, 01 Mar 2026 12:00:00 +0000\nTo: +254700000001\nSubject: SMS\n\nSoko: it is on its way.\n"
    (tmp_path / "sms" / "1.txt").write_text(said)
    (item,) = (await client.get("/dev/mails")).json()["items"]
    assert (item["to"], item["subject"], item["text"]) == ("+254700000001", "SMS", "Soko: it is on its way.\n")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/problems", "/health/live"])
async def test_pages_are_only_read(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_the_gateway_is_alive_whatever_else_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}


def service(**schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "paths": {
            "/api/v1/things": {
                "get": {
                    "operationId": "listThings",
                    "tags": ["Things"],
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
                    },
                }
            },
            "/internal/v1/things": {"get": {"operationId": "internalThings"}},
        },
        "components": {"schemas": schemas},
    }


def other() -> dict[str, Any]:
    text = json.dumps(service(Thing={"type": "string"}, Same={"type": "null"}))
    text = text.replace("things", "stuff").replace("listThings", "listStuff").replace("Things", "Stuff")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def test_documents_become_one_without_what_is_internal() -> None:
    one = service(Thing={"type": "integer"}, Same={"type": "null"})

    merged = openapi.merge({"catalog": one, "order": other()}, [{"slug": "x"}])

    assert list(merged["paths"]) == ["/api/v1/things", "/api/v1/stuff"]
    assert merged["tags"] == [{"name": "Things"}, {"name": "Stuff"}]
    assert merged["x-problems"] == [{"slug": "x"}]


def test_two_schemas_of_one_name_stay_two_and_references_follow() -> None:
    merged = openapi.merge({"catalog": service(Thing={"type": "integer"}, Same={"type": "null"}), "order": other()})

    schemas = merged["components"]["schemas"]
    assert schemas == {"Thing": {"type": "integer"}, "Same": {"type": "null"}, "OrderThing": {"type": "string"}}
    answer = merged["paths"]["/api/v1/stuff"]["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"] == {"$ref": "#/components/schemas/OrderThing"}


def test_what_the_gateway_itself_refuses_is_said_of_every_operation_and_stands_once() -> None:
    merged = openapi.merge({"catalog": service(), "order": other()})

    told = [item["get"]["responses"] for item in merged["paths"].values()]
    assert [set(each) for each in told] == [{"200", "429", "503", "504"}] * 2
    assert told[0]["429"] == told[1]["429"] == {"$ref": "#/components/responses/rate-limited"}
    limited = merged["components"]["responses"]["rate-limited"]
    assert set(limited["headers"]) == {"Retry-After", "RateLimit", "RateLimit-Policy"}


def test_a_refusal_of_the_services_own_is_told_beside_the_gateways() -> None:
    one = service()
    slow_down = problem_type("test-slow-down", 429, "Slow down", when="It was too fast.", client="Wait.")
    one["paths"]["/api/v1/things"]["get"]["responses"] |= {str(s): said for s, said in problems(slow_down).items()}

    told = openapi.merge({"catalog": one})["paths"]["/api/v1/things"]["get"]["responses"]["429"]

    assert set(told["content"]["application/problem+json"]["examples"]) == {"test-slow-down", "rate-limited"}
    assert "Retry-After" in told["headers"]


def test_merging_changes_nothing_that_was_given() -> None:
    one, before = other(), other()

    openapi.merge({"catalog": service(Thing={"type": "integer"}), "order": one})

    assert one == before


def test_one_operation_answered_by_two_services_is_an_error() -> None:
    with pytest.raises(ValueError, match="answered twice"):
        openapi.merge({"catalog": service(), "order": service()})


def test_one_operation_id_of_two_services_is_an_error() -> None:
    twin = json.loads(json.dumps(service()).replace("/api/v1/things", "/api/v1/stuff"))

    with pytest.raises(ValueError, match="listThings"):
        openapi.merge({"catalog": service(), "order": twin})
