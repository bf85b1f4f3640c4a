"""The Helm chart: what it renders keeps to the schemas, runs what exists, and may do little."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from tests.support.env_example import SECTIONS
from tests.unit.deploy.chart import (
    ALL,
    CHART,
    Document,
    container,
    helm,
    of_kind,
    options,
    pods,
    refusal,
    render,
    secrets,
    variables,
)

VARIABLES = {name.upper() for settings in SECTIONS.values() for name in settings.model_fields}
PORTS = {"gateway": 8000, "upload": 8001, "dither": 8002, "notification": 8003}
KUBERNETES = ("1.30", "1.37")  # the oldest that Chart.yaml allows, and the newest with a schema
CUSTOM = json.loads(Path(__file__).with_name("keda-crds.json").read_text())


@pytest.mark.parametrize("values", [{}, ALL], ids=["least", "all"])
def test_helm_finds_nothing_to_complain_of(values: dict[str, str]) -> None:
    done = helm("lint", "--strict", str(CHART), *options(values))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", KUBERNETES)
def test_documents_keep_to_the_schemas_of_kubernetes(version: str) -> None:
    documents = render(ALL)
    native = [d for d in documents if d["kind"] not in {*CUSTOM, "HTTPRoute"}]
    assert len(native) > 25
    for document in native:
        kubernetes_validate.validate(document, version, strict=True)


def test_documents_keep_to_the_schemas_of_keda() -> None:
    """`keda-crds.json` has those of KEDA 2.21 (Apache License 2.0), without the descriptions."""
    found = [d for d in render(ALL) if d["kind"] in CUSTOM]
    assert len(found) == len(PORTS) + 1
    for document in found:
        jsonschema.Draft202012Validator(strict(CUSTOM[document["kind"]])).validate(document)


def strict(schema: Any) -> Any:
    """A cluster drops fields that a schema does not know; here they are mistakes."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: strict(part) for name, part in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        parts["additionalProperties"] = False
    return parts


def test_the_route_of_the_gateway_api_leads_to_the_edge() -> None:
    [route] = of_kind(render(ALL), "HTTPRoute").values()
    assert route == {
        "parentRefs": [{"name": "outside"}],
        "rules": [{"backendRefs": [{"name": "dither-edge", "port": 8080}]}],
    }


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"settings.KAFKA_SERVER": ""}, "KAFKA_SERVER"),
        ({"settings.PUBLIC_URL": "example.org"}, "PUBLIC_URL"),
        ({"settings.POSTGRES_PASSWORD": "x"}, "POSTGRES_PASSWORD"),
        ({"gateway.settings.PRINCIPAL_SECRET": "x"}, "PRINCIPAL_SECRET"),
        ({"gateway.replicas": "0"}, "replicas"),
        ({"gatway.replicas": "2"}, "gatway"),
        ({"image.digest": "sha256:1"}, "digest"),
        ({"ingress.enabled": "true"}, "host"),
        ({"settings.CLOUDINARY_CLOUD_NAME": ""}, "Pods share no disk"),
        ({"settings.SMTP_HOST": ""}, "settings.SMTP_HOST"),
        ({"edge.enabled": "true"}, "settings.GATEWAY_TRUSTED_PROXIES"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(values: dict[str, str], sentence: str) -> None:
    assert sentence in refusal(values)


def test_commands_and_variables_exist() -> None:
    found = pods(render(ALL))
    assert found.keys() == {f"dither-{n}" for n in (*PORTS, "edge", "topics", "migrations")}
    del found["dither-edge"]
    for pod in found.values():
        assert "command" not in container(pod), "it would replace the image's entry point"
        assert container(pod)["args"][:2] == ["python", "-m"]
        assert importlib.util.find_spec(container(pod)["args"][2]), container(pod)["args"]
        names = variables(pod).keys() | secrets(pod).keys()
        assert names <= VARIABLES, names - VARIABLES


def test_ports_services_and_probes_fit_together() -> None:
    documents = render()
    services, found = of_kind(documents, "Service"), pods(documents)
    for name, port in PORTS.items():
        pod = found[f"dither-{name}"]
        service = services[f"dither-{name}"]
        assert {p["name"]: p["port"] for p in service["ports"]} == {"http": port, "metrics": 9100}
        assert service["selector"].items() <= pod["metadata"]["labels"].items()
        ports = {p["name"]: p["containerPort"] for p in container(pod)["ports"]}
        assert ports == {"http": port, "metrics": 9100}
        given = variables(pod)
        assert (given["PORT"], given["METRICS_PORT"]) == (str(port), "9100")
        for other in PORTS.keys() - {"gateway"}:
            assert given[f"{other.upper()}_SERVICE_URL"] == f"http://dither-{other}:{PORTS[other]}"


def test_nothing_is_restarted_because_a_database_is_away() -> None:
    """`/health` of a service is 503 then; while it waits at its start it does not even listen."""
    found = pods(render())
    for name in PORTS.keys() - {"gateway"}:
        probed = container(found[f"dither-{name}"])
        assert probed["readinessProbe"]["httpGet"]["path"] == "/health"
        assert probed["livenessProbe"]["httpGet"]["path"] == "/live"
        waits = probed["startupProbe"]
        assert waits["failureThreshold"] * waits["periodSeconds"] >= 3600


def test_a_pod_leaves_the_services_before_it_is_told_to_stop() -> None:
    found = pods(render(ALL))
    for name in (*PORTS, "edge"):
        pod = found[f"dither-{name}"]
        pause = container(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["spec"]["terminationGracePeriodSeconds"] >= pause + 15


def test_a_plan_of_few_connections_stops_the_old_pod_first() -> None:
    values = {"rollout": "Recreate", "jobs.migrations": "false"}
    documents = render(values)
    for spec in of_kind(documents, "Deployment").values():
        assert spec["strategy"] == {"type": "Recreate"}
    assert of_kind(documents, "Job").keys() == {"dither-topics"}
    pod = pods(documents)["dither-upload"]
    assert variables(pod)["MIGRATE_ON_START"] == "true"
    # No job has made a role for the service.
    assert variables(pod)["POSTGRES_USER"] == "dither"
    assert secrets(pod)["POSTGRES_PASSWORD"] == "POSTGRES_PASSWORD"


def test_jobs_run_before_what_they_are_for() -> None:
    jobs = {d["metadata"]["name"]: d["metadata"] for d in render() if d["kind"] == "Job"}
    for metadata in jobs.values():
        assert metadata["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    weights = {name: int(m["annotations"]["helm.sh/hook-weight"]) for name, m in jobs.items()}
    assert weights["dither-topics"] < weights["dither-migrations"]


def test_a_process_that_is_broken_into_can_do_little() -> None:
    for pod in pods(render(ALL)).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(pod)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container(pod)["resources"]["limits"]
        assert {"cpu", "memory"} == container(pod)["resources"]["requests"].keys()
        assert [volume for volume in spec["volumes"] if "emptyDir" not in volume] == []


def test_a_shared_disk_is_mounted_where_files_are_written() -> None:
    found = pods(render({"files.claim": "pictures", "settings.CLOUDINARY_CLOUD_NAME": ""}))
    mounts: dict[str, Document] = {
        name: {m["mountPath"]: m.get("readOnly", False) for m in container(pod)["volumeMounts"]}
        for name, pod in found.items()
    }
    assert mounts["dither-gateway"].keys() == {"/tmp"}
    assert mounts["dither-upload"]["/data"] is False
    assert mounts["dither-dither"]["/data"] is False
    assert mounts["dither-notification"]["/data"] is True, "only for the small pictures in mails"


def test_each_process_has_its_own_secrets_only() -> None:
    given = {container(pod)["name"]: secrets(pod) for pod in pods(render()).values()}
    for name in ("upload", "dither", "notification"):
        assert given[name]["POSTGRES_PASSWORD"] == f"{name.upper()}_POSTGRES_PASSWORD"
        assert given[name]["DATABASE_URL"] == f"{name.upper()}_DATABASE_URL"
        pod = pods(render())[f"dither-{name}"]
        assert variables(pod)["POSTGRES_USER"] == f"{name}_service"
    assert given["gateway"].keys() == {"PRINCIPAL_SECRET", "GATEWAY_API_KEYS"}
    assert {n for n, secrets in given.items() if "MAIL_SECRET" in secrets} == {"notification"}
    assert {n for n, secrets in given.items() if "SMTP_PASSWORD" in secrets} == {"notification"}
    owners = {n for n, s in given.items() if s.get("POSTGRES_PASSWORD") == "POSTGRES_PASSWORD"}
    assert owners == {"migrations"}, "only this job logs in as the database's owner"


def test_an_image_by_digest_wins_over_its_tag() -> None:
    digest = f"sha256:{'0' * 64}"
    values = {"image.repository": "example.org/ann/dither-services", "image.digest": digest}
    for pod in pods(render(values)).values():
        assert container(pod)["image"] == f"example.org/ann/dither-services@{digest}"


def test_operators_add_variables_and_secrets_to_a_process() -> None:
    values = {"dither.settings.CONSUMER_WORKERS": "4", "dither.secrets.CLOUDINARY_API_KEY": "key?"}
    found = pods(render(values))
    assert variables(found["dither-dither"])["CONSUMER_WORKERS"] == "4"
    assert secrets(found["dither-dither"])["CLOUDINARY_API_KEY"] == "key"
    assert "CONSUMER_WORKERS" not in variables(found["dither-upload"])
