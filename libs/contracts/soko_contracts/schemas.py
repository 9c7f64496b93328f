"""The JSON Schema of each contract. ``python -m soko_contracts.schemas`` writes them to ``schemas/<type>.json``."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from soko_contracts import MESSAGES, adapter

FOLDER = Path(__file__).parent / "schemas"


class _Generator(GenerateJsonSchema):
    """Without a title for each field: it would only say the field's name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@cache
def schema(type_: str) -> dict[str, Any]:
    """The schema of the JSON body of ``type_``, draft 2020-12. Raises ``KeyError`` on an unknown type."""
    made = adapter(MESSAGES[type_]).json_schema(schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **made, "title": type_}


def text(type_: str) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(type_), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Make ``folder`` hold the schemas of all contracts, and nothing else."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in MESSAGES:
            path.unlink()
    for type_ in MESSAGES:
        (folder / f"{type_}.json").write_text(text(type_), encoding="utf-8")


if __name__ == "__main__":
    write()
