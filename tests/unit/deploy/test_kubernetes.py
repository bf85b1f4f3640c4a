"""The Kubernetes manifests run what exists, on the ports and variables that exist."""

import importlib.util
from pathlib import Path
from typing import Any

import yaml

from tests.support.env_example import SECTIONS

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
VARIABLES = {name.upper() for settings in SECTIONS.values() for name in settings.model_fields}
PORTS = {"gateway": 8000, "upload": 8001, "dither": 8002, "notification": 8003}


def documents(kind: str) -> dict[str, dict[str, Any]]:
    found = {}
    for file in FOLDER.glob("*.yaml"):
        for document in yaml.safe_load_all(file.read_text()):
            if document is not None and document["kind"] == kind:
                found[document["metadata"]["name"]] = document.get("spec", document.get("data"))
    return found


def containers() -> list[dict[str, Any]]:
    specs = [*documents("Deployment").values(), *documents("Job").values()]
    return [c for spec in specs for c in spec["template"]["spec"]["containers"]]


def test_commands_and_variables_exist() -> None:
    assert len(containers()) == len(PORTS) + 2
    for container in containers():
        assert importlib.util.find_spec(container["command"][2]), container["command"]
        names = variables(container).keys()
        assert names <= VARIABLES, names - VARIABLES


def variables(container: dict[str, Any]) -> dict[str, str]:
    """What a container is given by the manifests themselves."""
    common = documents("ConfigMap")
    given: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            given |= common[source["configMapRef"]["name"]]
    return given | {variable["name"]: variable["value"] for variable in container.get("env", [])}


def test_ports_probes_and_services_fit_together() -> None:
    services, deployments = documents("Service"), documents("Deployment")
    for name, port in PORTS.items():
        assert services[name]["ports"] == [{"port": port}]
        template = deployments[f"dither-{name}"]["template"]
        assert template["metadata"]["labels"] == services[name]["selector"]
        [container] = template["spec"]["containers"]
        given = variables(container)
        assert given["PORT"] == str(port)
        assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": port}
        for other in PORTS.keys() - {"gateway"}:
            assert given[f"{other.upper()}_SERVICE_URL"] == f"http://{other}:{PORTS[other]}"


def test_a_rollout_needs_no_more_database_connections_than_there_are() -> None:
    """A plan of five is full while all run: an old pod must go before the new one starts."""
    for name in PORTS.keys() - {"gateway"}:
        assert documents("Deployment")[f"dither-{name}"]["strategy"] == {"type": "Recreate"}


def test_pods_get_no_variables_from_services_around_them() -> None:
    for spec in [*documents("Deployment").values(), *documents("Job").values()]:
        assert spec["template"]["spec"]["enableServiceLinks"] is False
