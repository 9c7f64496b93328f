"""The AsyncAPI 3 document of all events and commands, made from the contracts (``soko asyncapi``)."""

import inspect
import json
from typing import Any, Final

from soko_contracts import MESSAGES, Message, schemas

Json = dict[str, Any]

SAMPLES: Final = schemas.FOLDER.parent / "samples"
AMQP_BINDING: Final = "0.3.0"

INTRODUCTION: Final = """\
What Soko tells and what its services ask of each other. Messages are CloudEvents 1.0 in AMQP binary mode: the body is
the JSON data, each attribute a header `cloudEvents_<name>`. They come at least once, in order of `sequence` within a
`subject`. Events carry ids and facts, never personal data. Bind a queue of your own to `soko.events`, by routing key:
`order.#` is all of order. A new optional field may be added to a message; any other change is a new version beside it.
"""

HEADERS: Final[Json] = {
    "type": "object",
    "description": "The CloudEvents attributes.",
    "properties": {
        "cloudEvents_specversion": {"type": "string", "const": "1.0"},
        "cloudEvents_id": {
            "type": "string",
            "description": "The same however often the message comes.",
        },
        "cloudEvents_source": {"type": "string", "description": "The service that sent it."},
        "cloudEvents_type": {"type": "string", "description": "Which message it is; the routing key too."},
        "cloudEvents_time": {"type": "string", "format": "date-time"},
        "cloudEvents_datacontenttype": {"type": "string", "const": "application/json"},
        "cloudEvents_subject": {"type": "string", "description": "The id of what it tells of: an order, a product."},
        "cloudEvents_partitionkey": {"type": "string", "description": "What has to stay in order."},
        "cloudEvents_sequence": {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "Counts the messages of a subject; it may leave gaps and never goes back.",
        },
        "cloudEvents_correlationid": {"type": "string", "description": "The whole story: one checkout."},
        "cloudEvents_causationid": {"type": "string", "description": "The message or request that led to this one."},
        "cloudEvents_traceparent": {"type": "string", "description": "W3C trace context, where there is one."},
    },
    "required": [
        f"cloudEvents_{name}"
        for name in (
            *("specversion", "id", "source", "type", "time", "datacontenttype", "subject"),
            *("partitionkey", "sequence", "correlationid", "causationid"),
        )
    ],
}


def document(version: str, host: str = "localhost:5672") -> Json:
    """AsyncAPI 3.0.0 of every contract: a channel for each routing key, a message with its schema and an example."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Soko", "version": version, "description": INTRODUCTION, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "The shop's RabbitMQ.",
                "variables": {"host": {"default": host}},
            }
        },
        "channels": {type_: _channel(type_, cls) for type_, cls in sorted(MESSAGES.items())},
        "operations": {f"{_action(cls)}.{type_}": _operation(type_, cls) for type_, cls in sorted(MESSAGES.items())},
        "components": {
            "messages": {type_: _message(type_, cls) for type_, cls in sorted(MESSAGES.items())},
            "schemas": {name: schema for type_ in sorted(MESSAGES) for name, schema in _schemas(type_).items()},
            "messageTraits": {
                "cloudEvent": {
                    "contentType": "application/json",
                    "headers": HEADERS,
                    "correlationId": {"location": "$message.header#/cloudEvents_correlationid"},
                }
            },
        },
    }


def _channel(type_: str, cls: type[Message]) -> Json:
    exchange = {"name": f"soko.{cls.KIND}s", "type": "topic", "durable": True, "autoDelete": False}
    return {
        "address": type_,
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": AMQP_BINDING}},
    }


def _action(cls: type[Message]) -> str:
    """An event is sent by the service that its type begins with, a command received by it."""
    return "send" if cls.KIND == "event" else "receive"


def _operation(type_: str, cls: type[Message]) -> Json:
    service = type_.partition(".")[0]
    return {
        "action": _action(cls),
        "channel": {"$ref": f"#/channels/{type_}"},
        "messages": [{"$ref": f"#/channels/{type_}/messages/{type_}"}],
        "summary": f"{service.capitalize()} {'tells it' if cls.KIND == 'event' else 'obeys it'}.",
        "tags": [{"name": service}, {"name": cls.KIND}],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": cls.KIND == "command", "bindingVersion": AMQP_BINDING}},
    }


def _message(type_: str, cls: type[Message]) -> Json:
    described = _markdown(inspect.getdoc(cls) or "")
    return {
        "name": type_,
        "title": cls.__name__,
        "summary": described.partition("\n\n")[0].replace("\n", " "),
        "description": described,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"#/components/schemas/{type_}"},
        "examples": [{"payload": json.loads((SAMPLES / f"{type_}.json").read_bytes())}],
    }


def _schemas(type_: str) -> dict[str, Json]:
    """The message's schema and those it refers to, each under a name of its own in the document."""
    made = schemas.schema(type_)
    parts = {type_: {key: value for key, value in made.items() if key not in ("$defs", "$schema")}}
    parts |= {_part(type_, name): schema for name, schema in made.get("$defs", {}).items()}
    return {name: _moved(schema, type_) for name, schema in parts.items()}


def _part(type_: str, name: str) -> str:
    return f"{type_.partition('.')[0]}.{name}"


def _moved(node: Any, type_: str) -> Any:
    """``node`` with its references to definitions pointing into the document, and its prose in Markdown."""
    if isinstance(node, dict):
        return {key: _moved_value(key, value, type_) for key, value in node.items()}
    if isinstance(node, list):
        return [_moved(each, type_) for each in node]
    return node


def _moved_value(key: str, value: Any, type_: str) -> Any:
    if isinstance(value, str):
        if key == "$ref":
            return f"#/components/schemas/{_part(type_, value.rpartition('/')[2])}"
        return _markdown(value) if key == "description" else value
    return _moved(value, type_)


def _markdown(prose: str) -> str:
    return prose.replace("``", "`")
