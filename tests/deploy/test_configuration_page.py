"""The pages about settings say what the code says."""

import os
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values
from soko.configuration import EXAMPLE, PAGE, ROOT, example, page, settings
from soko.services import SERVICES

SETTINGS = settings()
BY_NAME = {each.name: each for each in SETTINGS}
SAID = "python -m soko.configuration writes it anew"


def test_the_page_is_what_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(SETTINGS), SAID


def test_the_example_is_what_the_code_makes() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example(SETTINGS), SAID


def test_every_setting_is_described() -> None:
    assert not [each.name for each in SETTINGS if not each.description]


def test_each_services_database_goes_by_its_own_name() -> None:
    for service in (*SERVICES, "cardsim"):
        found = BY_NAME[f"{service.upper()}_DATABASE_URL"]
        assert (found.service, found.required) == (service, "a process of its own")
    assert BY_NAME["DATABASE_URL"].service == "soko"


def test_names_and_defaults_are_written_as_the_environment_takes_them() -> None:
    assert BY_NAME["PAYMENT_WINDOW"].default == "PT15M"
    assert BY_NAME["SHOP_CURRENCY"].default == "KES"
    assert BY_NAME["SOKO_INTERNAL_KEY"].default == ""
    assert "staging, production" in BY_NAME["SOKO_INTERNAL_KEY"].required
    assert BY_NAME["CARDSIM_API_KEY"].service == "payment, cardsim"


def test_the_example_changes_nothing_until_something_is_uncommented() -> None:
    assert dotenv_values(EXAMPLE) == {}


def test_a_default_that_is_uncommented_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from soko.settings import ShopSettings

    for name in [name for name in os.environ if name in BY_NAME]:
        monkeypatch.delenv(name)
    before = ShopSettings()
    lines = [re.sub(r"^# (?=[A-Z_]+=.)", "", line) for line in EXAMPLE.read_text().splitlines()]
    uncommented = tmp_path / "env"
    uncommented.write_text("\n".join(lines))
    given = dotenv_values(uncommented, interpolate=False)
    assert set(given) == {each.name for each in SETTINGS if each.default} | {
        name for name in given if name.endswith("_IMAGE") or name == "COMPOSE_PROFILES"
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value or "")
    assert ShopSettings() == before


def test_what_compose_hands_on_are_settings() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    handed = set(re.findall(r"^ {2,6}([A-Z_]+):", text, re.MULTILINE))
    theirs = {"BASE", "PGDATA", "POSTGRES_USER", "POSTGRES_PASSWORD", "RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS"}
    addresses = {f"{name.upper()}_URL" for name in (*SERVICES, "cardsim")}
    assert handed - theirs - addresses <= set(BY_NAME)
