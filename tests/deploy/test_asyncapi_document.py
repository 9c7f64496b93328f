"""The AsyncAPI document names every contract, and everything it refers to is in it."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from soko.asyncapi import document
from soko_contracts import MESSAGES, Envelope, schemas
from soko_contracts.envelope import PREFIX

DOCUMENT = document("0.1.0")
SAMPLES = schemas.FOLDER.parent / "samples"


def found(pointer: str) -> Any:
    node: Any = DOCUMENT
    for part in pointer.removeprefix("#/").split("/"):
        node = node[part]
    return node


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_each_contract_has_a_channel_a_message_and_an_operation() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT["channels"]) == set(DOCUMENT["components"]["messages"]) == set(MESSAGES)
    assert {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()} == {
        f"#/channels/{type_}" for type_ in MESSAGES
    }


def test_an_event_is_sent_to_its_exchange_and_a_command_received_from_its_own() -> None:
    placed, reserve = DOCUMENT["channels"]["order.placed.v1"], DOCUMENT["channels"]["inventory.reserve_stock.v1"]
    assert (placed["address"], placed["bindings"]["amqp"]["exchange"]["name"]) == ("order.placed.v1", "soko.events")
    assert reserve["bindings"]["amqp"]["exchange"]["name"] == "soko.commands"
    assert DOCUMENT["operations"]["send.order.placed.v1"]["action"] == "send"
    assert DOCUMENT["operations"]["receive.inventory.reserve_stock.v1"]["action"] == "receive"


def test_every_reference_leads_somewhere() -> None:
    assert all(found(pointer) for pointer in references(DOCUMENT))


@pytest.mark.parametrize("type_", sorted(MESSAGES))
def test_a_golden_sample_fits_the_schema_in_the_document(type_: str) -> None:
    message = DOCUMENT["components"]["messages"][type_]
    (example,) = message["examples"]
    assert example["payload"] == json.loads((SAMPLES / f"{type_}.json").read_bytes())
    jsonschema.validate(example["payload"], {**message["payload"], "components": DOCUMENT["components"]})


def test_its_headers_are_the_envelopes() -> None:
    headers = DOCUMENT["components"]["messageTraits"]["cloudEvent"]["headers"]
    attributes = {PREFIX + name for name in Envelope.__dataclass_fields__ if name != "data"}
    always = {PREFIX + "specversion", PREFIX + "datacontenttype"}
    assert set(headers["properties"]) == attributes | always
    assert set(headers["required"]) == (attributes | always) - {PREFIX + "traceparent"}


def test_it_says_nothing_that_json_cannot() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
