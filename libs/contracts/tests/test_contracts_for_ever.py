"""A message that was ever valid stays valid: samples as older and as younger releases would say them, and any other."""

import json
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soko_contracts import MESSAGES, adapter, parse, schemas

TYPES = sorted(MESSAGES)
SAMPLES = {type_: (schemas.FOLDER.parent / "samples" / f"{type_}.json").read_bytes() for type_ in TYPES}


@pytest.mark.parametrize("type_", TYPES)
def test_a_younger_release_may_say_more_of_the_message_and_of_each_line(type_: str) -> None:
    said = json.loads(SAMPLES[type_])
    lines = [line for value in said.values() if isinstance(value, list) for line in value if isinstance(line, dict)]
    for each in (said, *lines):
        each["said_by_a_younger_release"] = {"deep": [1]}
    assert parse(type_, json.dumps(said)) == parse(type_, SAMPLES[type_])


@pytest.mark.parametrize("type_", TYPES)
def test_an_older_release_may_not_have_said_what_is_optional(type_: str) -> None:
    said = json.loads(SAMPLES[type_])
    required = set(schemas.schema(type_).get("required", ()))
    for name in set(said) - required:
        parse(type_, json.dumps({each: value for each, value in said.items() if each != name}))
    assert {field.name for field in fields(MESSAGES[type_])} >= required  # type: ignore[arg-type]


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if MESSAGES[type_].KIND == "event"])
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_can_be_said_is_understood_as_it_was_meant(type_: str, data: st.DataObject) -> None:
    message = data.draw(st.from_type(MESSAGES[type_]))
    assert parse(type_, adapter(MESSAGES[type_]).dump_json(message)) == message
