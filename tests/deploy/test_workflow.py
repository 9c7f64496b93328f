"""What CI does is what people do, by actions of a known version."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
JOBS = WORKFLOW["jobs"]


def test_actions_are_named_with_their_version() -> None:
    uses = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert uses
    assert all(re.fullmatch(r"[a-z-]+/[a-z-]+@v[0-9]+", each) for each in uses)


def test_it_may_only_read() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in JOBS.values())


def test_it_runs_the_targets_that_people_run() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(
        r"make ([a-z-]+)", "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
    )
    assert targets == ["check", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_it_builds_every_image() -> None:
    spec = importlib.util.spec_from_file_location("image", ROOT / "deploy" / "image.py")
    assert spec is not None
    assert spec.loader is not None
    image = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(image)
    assert sorted(JOBS["images"]["strategy"]["matrix"]["service"]) == sorted(image.IMAGES)


def test_one_of_the_test_runs_has_a_broker_that_is_its_own_to_kill() -> None:
    brokers = [each["rabbitmq"] for each in JOBS["test"]["strategy"]["matrix"]["include"]]
    assert "" in brokers
    assert any(brokers)
