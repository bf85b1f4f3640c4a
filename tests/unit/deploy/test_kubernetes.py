"""The Kubernetes manifests run what exists, on the ports and variables that exist."""

import importlib.util
from pathlib import Path
from typing import Any

import yaml

from api_gateway.settings import GatewaySettings
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
        assert "command" not in container, "it would replace the image's entry point"
        assert importlib.util.find_spec(container["args"][2]), container["args"]
        names = variables(container).keys() | secrets_of(container).keys()
        assert names <= VARIABLES, names - VARIABLES


def variables(container: dict[str, Any]) -> dict[str, str]:
    """What a container is given by the manifests themselves."""
    common = documents("ConfigMap")
    given: dict[str, str] = {}
    for source in container["envFrom"]:
        if (name := source["configMapRef"]["name"]) != "dither":  # that is the operator's
            given |= common[name]
    return given | {v["name"]: v["value"] for v in container.get("env", []) if "value" in v}


def secrets_of(container: dict[str, Any]) -> dict[str, str]:
    """The secrets that a container is given, each with its key."""
    refs = {v["name"]: v["valueFrom"]["secretKeyRef"] for v in container["env"] if "valueFrom" in v}
    assert {ref["name"] for ref in refs.values()} <= {"dither"}
    return {name: ref["key"] for name, ref in refs.items()}


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


def pods() -> list[dict[str, Any]]:
    specs = [*documents("Deployment").values(), *documents("Job").values()]
    return [spec["template"]["spec"] for spec in specs]


def test_a_process_that_is_broken_into_can_do_little() -> None:
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_each_process_has_its_own_secrets_only() -> None:
    given = {c["name"]: secrets_of(c) for c in containers()}
    for name in ("upload", "dither", "notification"):
        assert given[name]["POSTGRES_PASSWORD"] == f"{name.upper()}_POSTGRES_PASSWORD"
        deployment = documents("Deployment")[f"dither-{name}"]["template"]["spec"]
        assert variables(deployment["containers"][0])["POSTGRES_USER"] == f"{name}_service"
    assert not [secret for secret in given["gateway"] if "POSTGRES" in secret]
    assert {n for n, secrets in given.items() if "MAIL_SECRET" in secrets} == {"notification"}
    assert {n for n, secrets in given.items() if "SMTP_PASSWORD" in secrets} == {"notification"}
    owners = {n for n, s in given.items() if s.get("POSTGRES_PASSWORD") == "POSTGRES_PASSWORD"}
    assert owners == {"migrations"}, "only this job logs in as the database's owner"


def test_every_pod_is_under_a_network_policy() -> None:
    chosen = set[str]()
    for policy in documents("NetworkPolicy").values():
        selector = policy["podSelector"]
        if "Ingress" in policy["policyTypes"]:
            chosen.add(selector["matchLabels"]["app"])
    deployed = {f"dither-{name}" for name in PORTS}
    assert chosen == deployed | {"dither-jobs"}
    for name, port in PORTS.items():
        [rule] = documents("NetworkPolicy")[f"dither-{name}"]["ingress"]
        assert rule["ports"] == [{"port": port}]
        assert ("from" in rule) == (name != "gateway")
    for name in documents("Job"):
        labels = documents("Job")[name]["template"]["metadata"]["labels"]
        assert labels == {"app": "dither-jobs"}


def test_ingresses_lead_to_the_gateway_with_the_limits_of_the_edge() -> None:
    for spec in documents("Ingress").values():
        for rule in spec["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"] == {"name": "gateway", "port": {"number": 8000}}
    uploads = annotations("dither-uploads")
    largest = GatewaySettings.model_fields["dither_call_max_bytes"].default
    assert uploads["proxy-body-size"] == f"{largest // 1024 + 64}k"
    assert uploads["proxy-request-buffering"] == "off"
    limits = ("limit-rps", "limit-burst-multiplier", "limit-connections", "proxy-connect-timeout")
    for name in limits:
        assert len({annotations(ingress)[name] for ingress in documents("Ingress")}) == 1


def test_ingress_and_edge_have_the_same_cache() -> None:
    edge = (FOLDER.parent / "edge" / "cache.conf").read_text()
    snippet = annotations("dither-files")["configuration-snippet"]
    for line in snippet.splitlines():
        directive = line.replace(" 404 410", "").rstrip(";")
        assert line == "proxy_cache edge;" or directive in edge, line
    values = yaml.safe_load((FOLDER / "ingress-nginx" / "values.yaml").read_text())
    for line in values["controller"]["config"]["http-snippet"].splitlines():
        assert line.strip().replace("/tmp/edge-cache", "cache") in edge, line


def annotations(ingress: str) -> dict[str, str]:
    for document in yaml.safe_load_all((FOLDER / "ingress.yaml").read_text()):
        if document["metadata"]["name"] == ingress:
            prefix = "nginx.ingress.kubernetes.io/"
            return {
                k.removeprefix(prefix): v for k, v in document["metadata"]["annotations"].items()
            }
    raise AssertionError(f"there is no ingress {ingress}")
