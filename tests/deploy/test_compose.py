"""The compose file holds the whole shop, its images can be chosen, and it gives away no secret."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from soko.databases import database_name
from soko.services import SERVICES

FILE = Path(__file__).parents[2] / "docker-compose.yml"
TEXT = FILE.read_text()
PARTS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
SECRETS = {"SOKO_INTERNAL_KEY": "k" * 32, "POSTGRES_PASSWORD": "p" * 32, "RABBITMQ_PASSWORD": "r" * 32}


def compose(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("docker compose is not installed")
    command = ["docker", "compose", "--env-file", os.devnull, "-f", str(FILE), *arguments]
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**kept, **environment})


def test_docker_compose_reads_it() -> None:
    done = compose("--profile", "development", "config", "--quiet", **SECRETS)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("secret", SECRETS)
def test_docker_compose_starts_nothing_without_a_secret(secret: str) -> None:
    done = compose("config", "--quiet", **{name: value for name, value in SECRETS.items() if name != secret})
    assert done.returncode != 0
    assert secret in done.stderr


def test_the_whole_shop_is_in_it() -> None:
    assert set(PARTS) == {*SERVICES, "gateway", "cardsim", "migrate", "postgres", "rabbitmq"}
    assert [name for name, part in PARTS.items() if part.get("profiles")] == ["cardsim"]


def test_every_image_has_a_default_that_can_be_replaced() -> None:
    for part in PARTS.values():
        assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z0-9./:-]+\}", part["image"])
        assert "build" not in part or re.fullmatch(r"\$\{[A-Z]+_IMAGE:-.+\}", part["build"]["args"]["BASE"])


def test_each_part_is_built_as_itself() -> None:
    for name in (*SERVICES, "gateway", "cardsim"):
        assert PARTS[name]["build"]["args"]["SERVICE"] == name
        assert PARTS[name]["image"] == f"${{{name.upper()}_IMAGE:-soko/{name}}}"
    assert PARTS["migrate"]["build"]["args"]["SERVICE"] == "soko"


def test_a_service_is_given_its_own_database_and_no_others() -> None:
    for name in (*SERVICES, "gateway", "cardsim"):
        given = {key: value for key, value in PARTS[name]["environment"].items() if key.endswith("DATABASE_URL")}
        assert list(given) == ([] if name == "gateway" else [f"{name.upper()}_DATABASE_URL"])
        assert all(value.endswith(f"/{database_name(name)}") for value in given.values())


def test_no_secret_has_a_default() -> None:
    for secret in SECRETS:
        assert f"${{{secret}:?" in TEXT
        assert not re.search(rf"\$\{{{secret}:?-", TEXT)


def test_what_runs_our_code_can_do_little_else() -> None:
    for name, part in PARTS.items():
        if name not in ("postgres", "rabbitmq"):
            assert part["read_only"]
            assert part["cap_drop"] == ["ALL"]
            assert part["security_opt"] == ["no-new-privileges:true"]
            assert part["mem_limit"]


def test_only_the_gateway_is_reached_from_outside_and_by_default_from_this_machine() -> None:
    assert [name for name, part in PARTS.items() if "ports" in part] == ["gateway"]
    assert PARTS["gateway"]["ports"] == ["${HOST:-127.0.0.1}:${PORT:-8000}:8000"]
