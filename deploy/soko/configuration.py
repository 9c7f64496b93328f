"""``docs/configuration.md`` and ``.env.example``, made from the settings classes.

``python -m soko.configuration`` writes both; a test says when they are older than the code.
"""

import json
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from chassis.settings import ProcessSettings, Settings
from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from soko.services import CARDSIM, GATEWAY, SERVICES, load
from soko.settings import ShopSettings

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "configuration.md"
EXAMPLE: Final = ROOT / ".env.example"

EVERYONE: Final = "all"
COMMAND: Final = "soko"

OWN_PROCESS: Final = "a process of its own"
CUSTOMERS: Final = "staging, production"
REQUIRED: Final = {
    "SOKO_INTERNAL_KEY": f"{OWN_PROCESS}; {CUSTOMERS}",
    "RABBITMQ_URL": OWN_PROCESS,
    "PUBLIC_URL": CUSTOMERS,
}
"""Where what has a default is needed all the same: what ``chassis.main`` and ``soko check --deploy`` ask for."""


PLACEHOLDER: Final = "database_url"
"""Each service with a database calls its own by a name of its own."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable. ``default`` is as it would be written; empty: there is none."""

    name: str
    default: str
    required: str
    service: str
    description: str


BESIDE: Final = (
    Setting(
        "<SERVICE>_URL",
        "",
        OWN_PROCESS,
        EVERYONE,
        "Where the other processes find a service, IDENTITY_URL=http://identity:8000; several addresses with commas "
        "between.",
    ),
    Setting(
        "SOKO_PG_BIN",
        "",
        "",
        COMMAND,
        "The folder with initdb and postgres that the embedded server is started from, instead of the one installed "
        "with the shop.",
    ),
    *(
        Setting(name, "", "", "catalog", description)
        for name, description in (
            ("AWS_ACCESS_KEY_ID", "Who opens the S3 that MEDIA_URL names; on AWS itself the machine's role does."),
            ("AWS_SECRET_ACCESS_KEY", "What proves it."),
            ("AWS_REGION", "Where the bucket is."),
            ("AWS_ENDPOINT", "Where another S3 than Amazon's is: https://s3.shop.example."),
            ("GOOGLE_APPLICATION_CREDENTIALS", "The file with the key for a MEDIA_URL that is gs://."),
            ("AZURE_STORAGE_ACCOUNT_KEY", "The key for a MEDIA_URL that is az://."),
        )
    ),
    Setting("ADMIN_PASSWORD", "", "", COMMAND, "The password that `soko users create-admin` gives, instead of asking."),
)
"""What is read without a settings class."""

FOR_COMPOSE: Final = (
    Setting("COMPOSE_PROFILES", "development", "", "", "The simulated card gateway too; leave it out for customers."),
    Setting("POSTGRES_PASSWORD", "", "", "", "Needed: openssl rand -hex 24."),
    Setting("RABBITMQ_PASSWORD", "", "", "", "Needed: openssl rand -hex 24."),
    Setting("PYTHON_IMAGE", "python:3.13-slim", "", "", "What the shop's images are built on."),
    Setting("POSTGRES_IMAGE", "postgres:18", "", "", "The database server."),
    Setting("RABBITMQ_IMAGE", "rabbitmq:4", "", "", "The broker."),
    Setting(
        "<PART>_IMAGE",
        "soko/<part>",
        "",
        "",
        "The image of a service, of the gateway, of cardsim, or of soko, the command.",
    ),
)
"""What only ``docker-compose.yml`` reads."""


def settings() -> list[Setting]:
    """Every setting there is, those of all services first, then by service."""
    found: dict[tuple[str, str, str], Setting] = {}
    for service, cls, told in _classes():
        for name, field in _fields(cls, told):
            each = _setting(name, field, service)
            key = each.name, each.default, each.description
            known = found.get(key)
            found[key] = each if known is None else replace(known, service=f"{known.service}, {service}")
    return [*found.values(), *BESIDE]


def _classes() -> Iterator[tuple[str, type[Settings], type[Settings] | None]]:
    """Who is told what: a class, and the one whose fields were told of already."""
    yield EVERYONE, Settings, None
    yield EVERYONE, ProcessSettings, Settings
    for name in SERVICES:
        yield name, load(name).settings, Settings
    for name, module in ((GATEWAY, "gateway.service"), (CARDSIM, "soko.cardsim.service")):
        yield name, typing.get_type_hints(import_module(module).build)["settings"], Settings
    yield COMMAND, ShopSettings, ProcessSettings


def _fields(cls: type[Settings], told: type[Settings] | None) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in cls.model_fields.items():
        other = told.model_fields.get(name) if told else None
        if other is not None and (field.description, field.default) == (other.description, other.default):
            continue
        if (cls, name) != (Settings, PLACEHOLDER):
            yield name, field


def _setting(field_name: str, field: FieldInfo, service: str) -> Setting:
    name = _variable(field_name, field)
    own_database = name.endswith("_DATABASE_URL")
    required = OWN_PROCESS if own_database else REQUIRED.get(name, "everywhere" if field.is_required() else "")
    return Setting(name, _default(field), required, service, field.description or "")


def _variable(field_name: str, field: FieldInfo) -> str:
    """The variable's name: the field's own, or the other name that it was given."""
    return str(field.validation_alias or field_name).upper()


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True) if not field.is_required() else None
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        return ""
    if isinstance(value, timedelta):
        return str(TypeAdapter(timedelta).dump_python(value, mode="json"))
    if isinstance(value, str | Path):
        return str(value)
    return json.dumps(TypeAdapter(type(value)).dump_python(value, mode="json"))


def page(given: list[Setting]) -> str:
    """The Markdown page."""
    lines = [
        "# Configuration",
        "",
        "Environment variables; the `soko` command also reads a file `.env` beside it, where the environment says "
        "nothing. Made from the code by `python -m soko.configuration`: change the settings classes, not this page.",
        "",
        "Durations are ISO 8601 (`PT15M`) or seconds. `soko check --deploy` looks for settings that a shop with real "
        "customers must not be started with.",
        "",
        "| name | default | required | service | what it is |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| `{each.name}` | {_code(each.default)} | {each.required} | {each.service} | {_cell(each.description)} |"
            for each in given
        ),
        "",
        "## docker-compose.yml",
        "",
        "Besides these, `docker compose` reads, from the environment or `.env`:",
        "",
        "| name | default | what it is |",
        "| --- | --- | --- |",
        *(f"| `{each.name}` | {_code(each.default)} | {_cell(each.description)} |" for each in FOR_COMPOSE),
    ]
    return "\n".join(lines) + "\n"


def example(given: list[Setting]) -> str:
    """The file to copy to ``.env``: every setting with its default, all of them commented out."""
    lines = ["# Copy this file to .env and uncomment what should differ. Made by python -m soko.configuration."]
    for each in given:
        if not each.name.startswith("<"):
            needed = f" Required: {each.required}." if each.required else ""
            lines += ["", *_comment(f"{each.service}: {each.description}{needed}"), f"# {each.name}={each.default}"]
    lines += ["", "", "# docker-compose.yml"]
    for each in FOR_COMPOSE:
        if not each.name.startswith("<"):
            lines += ["", *_comment(each.description), f"# {each.name}={each.default}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 116)]


def _code(value: str) -> str:
    return f"`{_cell(value)}`" if value else ""


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def write() -> None:
    """Write both files."""
    given = settings()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(given), encoding="utf-8")
    EXAMPLE.write_text(example(given), encoding="utf-8")


if __name__ == "__main__":
    write()
