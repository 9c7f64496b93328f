"""Every contract has a schema and a golden sample, and they say what the code says."""

import json
import re

import jsonschema
import pytest
from soko_contracts import MESSAGES, Sealed, adapter, parse, schemas

SAMPLES = schemas.FOLDER.parent / "samples"
TYPES = sorted(MESSAGES)


def test_each_contract_has_a_schema_and_a_sample_and_nothing_else_has() -> None:
    assert sorted(path.stem for path in schemas.FOLDER.iterdir()) == TYPES
    assert sorted(path.stem for path in SAMPLES.iterdir()) == TYPES


@pytest.mark.parametrize("type_", TYPES)
def test_the_committed_schema_is_the_codes(type_: str) -> None:
    committed = (schemas.FOLDER / f"{type_}.json").read_text(encoding="utf-8")
    assert committed == schemas.text(type_), "run python -m soko_contracts.schemas"
    jsonschema.Draft202012Validator.check_schema(json.loads(committed))


@pytest.mark.parametrize("type_", TYPES)
def test_the_golden_sample_parses_and_is_said_again(type_: str) -> None:
    sample = (SAMPLES / f"{type_}.json").read_bytes()
    message = parse(type_, sample)
    again = adapter(MESSAGES[type_]).dump_python(message, mode="json")
    assert known(again, json.loads(sample)) == json.loads(sample)
    assert parse(type_, json.dumps(again)) == message


def known(said: object, sample: object) -> object:
    """``said`` without the fields that are younger than the sample; they are optional, or it had not been read."""
    if isinstance(said, dict) and isinstance(sample, dict):
        return {name: known(said[name], sample[name]) for name in said if name in sample}
    if isinstance(said, list) and isinstance(sample, list) and len(said) == len(sample):
        return [known(one, other) for one, other in zip(said, sample, strict=True)]
    return said


@pytest.mark.parametrize("type_", TYPES)
def test_the_golden_sample_fits_its_schema(type_: str) -> None:
    jsonschema.validate(
        json.loads((SAMPLES / f"{type_}.json").read_bytes()),
        schemas.schema(type_),
        format_checker=jsonschema.FormatChecker(),
    )


@pytest.mark.parametrize("type_", TYPES)
def test_types_name_service_fact_and_version(type_: str) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+\.v[1-9][0-9]*", type_)
    assert not type_.split(".")[1].startswith(type_.split(".")[0] + "_"), "the service's own noun is not said twice"


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if MESSAGES[type_].KIND == "event"])
def test_no_event_can_carry_personal_data(type_: str) -> None:
    assert "soko_contracts.sealed" not in repr(adapter(MESSAGES[type_]).core_schema)
    assert Sealed.__name__ not in schemas.text(type_)


def test_a_type_that_nobody_knows_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parse("order.eaten.v1", b"{}")


def test_data_that_does_not_fit_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="cart_version"):
        parse("order.placed.v1", b'{"cart_version": "soon"}')


def test_a_field_that_is_not_known_yet_is_ignored() -> None:
    sample = json.loads((SAMPLES / "payment.voided.v1.json").read_bytes())
    assert parse("payment.voided.v1", json.dumps({**sample, "voided_by": "bank"})) == parse(
        "payment.voided.v1", json.dumps(sample)
    )
