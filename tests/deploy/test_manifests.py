"""The Kubernetes manifests render, are valid, and keep the shop's policy."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from soko.services import SERVICES

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
KUBERNETES = "1.34"
RENDERED = ("k8s/base", "k8s/overlays/development")
WITH_PODS = ("Deployment", "StatefulSet", "Job")

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, which renders k8s/, is not installed")


@cache
def rendered(folder: str) -> list[Manifest]:
    done = subprocess.run(["kubectl", "kustomize", ROOT / folder], check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def of(folder: str, *kinds: str) -> list[Manifest]:
    return [each for each in rendered(folder) if each["kind"] in kinds]


def pod(manifest: Manifest) -> Manifest:
    found: Manifest = manifest["spec"]["template"]["spec"]
    return found


def containers(manifest: Manifest) -> list[Manifest]:
    return [*pod(manifest)["containers"], *pod(manifest).get("initContainers", ())]


def labels(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = manifest["spec"]["template"]["metadata"]["labels"]
    return found


@pytest.fixture(params=RENDERED)
def folder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_document_is_valid(folder: str) -> None:
    for manifest in rendered(folder):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_nothing_is_left_unnamed(folder: str) -> None:
    text = yaml.safe_dump_all(rendered(folder))
    assert "SERVICE" not in text
    assert "DATABASE\n" not in text
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered(folder)]
    assert len(names) == len(set(names))
    assert all(each["metadata"].get("namespace", "soko") == "soko" for each in rendered(folder))


def test_each_service_and_the_gateway_has_a_deployment_a_service_and_a_disruption_budget(folder: str) -> None:
    expected = {*SERVICES, "gateway", *(["cardsim"] if "development" in folder else [])}
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert {each["metadata"]["name"] for each in of(folder, kind)} == expected
    assert {each["metadata"]["name"] for each in of(folder, "Service")} >= expected


def test_what_selects_pods_selects_those_of_its_own_name(folder: str) -> None:
    pods = {each["metadata"]["name"]: labels(each) for each in of(folder, "Deployment", "StatefulSet")}
    for each in of(folder, "Deployment", "StatefulSet", "PodDisruptionBudget"):
        selector = each["spec"]["selector"]["matchLabels"]
        assert [name for name, given in pods.items() if selector.items() <= given.items()] == [each["metadata"]["name"]]
    for each in of(folder, "Service"):
        selector = each["spec"]["selector"]
        assert [name for name, given in pods.items() if selector.items() <= given.items()] == [each["metadata"]["name"]]


def test_a_service_is_reached_where_its_address_says(folder: str) -> None:
    (settings,) = of(folder, "ConfigMap")
    addresses = {name: value for name, value in settings["data"].items() if name.endswith("_URL")}
    ports = {each["metadata"]["name"]: each["spec"]["ports"] for each in of(folder, "Service")}
    for service in SERVICES:
        assert addresses[f"{service.upper()}_URL"] == f"http://{service}:8000"
        assert [port["port"] for port in ports[service]] == [8000]
    names = {source["configMapRef"]["name"] for each in of(folder, "Deployment") for source in env_from(each)}
    assert names == {settings["metadata"]["name"]}


def env_from(manifest: Manifest) -> list[Manifest]:
    return [source for container in containers(manifest) for source in container.get("envFrom", ())]


def test_a_service_is_given_its_own_database_and_no_others(folder: str) -> None:
    for manifest in of(folder, "Deployment"):
        name = manifest["metadata"]["name"]
        given = [each for container in containers(manifest) for each in container["env"]]
        databases = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in given if "DATABASE" in each["name"]}
        own = f"{name.upper()}_DATABASE_URL"
        expected = {} if name == "gateway" else {own: {"name": "soko-databases", "key": own}}
        assert databases == expected
        assert all("value" not in each for each in given)


def test_no_secret_is_written_down(folder: str) -> None:
    assert not of(folder, "Secret")


def test_pods_are_nobody_and_write_only_on_volumes(folder: str) -> None:
    for manifest in of(folder, *WITH_PODS):
        context = pod(manifest)["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod(manifest)["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod(manifest))
        assert all(set(volume) <= {"name", "emptyDir"} for volume in pod(manifest).get("volumes", ()))
        for container in containers(manifest):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_every_container_says_what_it_needs_and_what_it_may_take(folder: str) -> None:
    for manifest in of(folder, *WITH_PODS):
        for container in containers(manifest):
            for bound in ("requests", "limits"):
                assert set(container["resources"][bound]) == {"cpu", "memory"}


def test_whatever_keeps_running_is_probed(folder: str) -> None:
    for manifest in of(folder, "Deployment"):
        for container in containers(manifest):
            assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
            assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
            assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    for manifest in of(folder, "StatefulSet"):
        assert all({"livenessProbe", "readinessProbe"} <= set(container) for container in containers(manifest))


def test_images_have_a_version(folder: str) -> None:
    images = [container["image"] for manifest in of(folder, *WITH_PODS) for container in containers(manifest)]
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_traffic_is_refused_unless_a_policy_allows_it(folder: str) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of(folder, "NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    selectable = [labels(each) for each in of(folder, *WITH_PODS)]
    for spec in policies.values():
        selector = spec["podSelector"].get("matchLabels", {})
        assert any(selector.items() <= given.items() for given in selectable)


def test_only_the_gateway_is_open_to_everybody(folder: str) -> None:
    for each in of(folder, "NetworkPolicy"):
        for rule in each["spec"].get("ingress", ()):
            assert "from" in rule or each["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "gateway"}


def test_real_customers_never_meet_the_simulated_card_gateway() -> None:
    (settings,) = of("k8s/base", "ConfigMap")
    assert settings["data"]["SOKO_ENV"] == "production"
    assert settings["data"]["CARD_PROVIDER"] == "none"
    assert "cardsim" not in yaml.safe_dump_all(rendered("k8s/base"))


def test_the_development_shops_secrets_are_all_that_its_pods_ask_for() -> None:
    done = subprocess.run([ROOT / "k8s/overlays/development/secrets"], check=True, capture_output=True, text=True)
    made = {each["metadata"]["name"]: set(each["stringData"]) for each in yaml.safe_load_all(done.stdout) if each}
    for manifest in of("k8s/overlays/development", *WITH_PODS):
        for source in env_from(manifest):
            assert "configMapRef" in source or source["secretRef"]["name"] in made
        given = [each for container in containers(manifest) for each in container.get("env", ())]
        for reference in [each["valueFrom"]["secretKeyRef"] for each in given if "valueFrom" in each]:
            assert reference.get("optional") or reference["key"] in made[reference["name"]]
