"""What may be changed about a contract that was released, and what may not."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from soko_contracts import schemas
from soko_contracts.compatibility import breaks, compare, main

PACKAGE = schemas.FOLDER.parent


@dataclass
class Line:
    sku: str
    quantity: int


@dataclass
class Released:
    order_id: str
    lines: tuple[Line, ...]
    names: dict[str, str]
    customer_id: str | None
    note: str | None = None


def schema(cls: Any) -> dict[str, Any]:
    return TypeAdapter(cls).json_schema()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("schemas", "samples"):
        shutil.copytree(PACKAGE / name, tmp_path / name)
    return tmp_path


def edit(path: Path, change: Any) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_contract_is_compatible_with_itself() -> None:
    assert breaks(schema(Released), schema(Released)) == []


def test_an_optional_field_may_be_added() -> None:
    @dataclass
    class Now(Released):
        gift: bool = False

    assert breaks(schema(Released), schema(Now)) == []


def test_a_required_field_may_not_be_added() -> None:
    @dataclass(kw_only=True)
    class Now(Released):
        gift: bool

    assert breaks(schema(Released), schema(Now)) == ["gift: is new and required, which older messages do not have"]


def test_a_field_may_not_go_and_a_new_name_is_a_field_that_went() -> None:
    @dataclass
    class Now:
        order: str
        lines: tuple[Line, ...]
        names: dict[str, str]
        customer_id: str | None
        note: str | None = None

    assert breaks(schema(Released), schema(Now)) == [
        "order: is new and required, which older messages do not have",
        "order_id: is gone",
    ]


def changed(**types: Any) -> dict[str, Any]:
    fields = {"order_id": str, "lines": tuple[Line, ...], "names": dict[str, str], "customer_id": str | None, **types}
    return schema(dataclass(type("Now", (), {"__annotations__": {**fields, "note": str | None}, "note": None})))


@dataclass
class FullerLine(Line):
    price: int


@dataclass
class TextLine:
    sku: str
    quantity: str


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (changed(order_id=int), "order_id: was string, is integer"),
        (changed(customer_id=str), "customer_id: was string or null, is string"),
        (changed(order_id=str | None), "order_id: was string, is string or null"),
        (changed(names=dict[str, int]), "names{}: was string, is integer"),
        (changed(lines=tuple[FullerLine, ...]), "lines[].price: is new and required, which older messages do not have"),
        (changed(lines=tuple[TextLine, ...]), "lines[].quantity: was integer, is string"),
        (changed(lines=tuple[str, ...]), "lines[]: was object, is string"),
    ],
)
def test_a_type_may_not_change_however_deep(now: dict[str, Any], why: str) -> None:
    assert breaks(schema(Released), now) == [why]


def test_what_was_always_there_stays_so_and_what_was_optional_too() -> None:
    @dataclass
    class Looser:
        order_id: str
        lines: tuple[Line, ...]
        names: dict[str, str]
        customer_id: str | None = None
        note: str | None = None

    assert "customer_id: was always there, is optional" in breaks(schema(Released), schema(Looser))
    assert "customer_id: was optional, is required" in breaks(schema(Looser), schema(Released))


def test_other_words_are_no_break() -> None:
    assert breaks({**schema(Released), "title": "Old", "description": "Said badly."}, schema(Released)) == []


def test_these_contracts_are_compatible_with_themselves(base: Path) -> None:
    assert compare(base) == []
    assert main([str(base)]) == 0


def test_a_message_may_not_go(base: Path) -> None:
    (base / "schemas" / "order.eaten.v1.json").write_text("{}")
    assert compare(base) == ["order.eaten.v1: the message is gone"]


def test_a_golden_sample_may_not_change(base: Path) -> None:
    edit(base / "samples" / "order.placed.v1.json", lambda sample: sample.update(number="SO-1"))
    assert compare(base) == ["order.placed.v1: its golden sample was changed; a sample stays as it was released"]


def test_a_break_ends_the_command_with_1_and_names_message_and_field(base: Path) -> None:
    def rename(released: dict[str, Any]) -> None:
        released["$defs"]["Totals"]["properties"]["vat"] = {"type": "integer"}

    edit(base / "schemas" / "order.placed.v1.json", rename)
    done = subprocess.run(
        [sys.executable, "-m", "soko_contracts.compatibility", str(base)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (1, "order.placed.v1: totals.vat: is gone\n")


def test_without_a_folder_to_compare_with_it_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["/nowhere"]) == 2
    assert "BASE_DIR" in capsys.readouterr().err
