"""Renders the Helm chart, with the real helm, and reads the result."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "deploy" / "helm"
# Where tests/prepare puts it.
BUILT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dither-services" / "bin"
Document = dict[str, Any]

# The least that an operator has to say.
LEAST = {
    "settings.KAFKA_SERVER": "kafka-1:9092\\,kafka-2:9092",
    "settings.POSTGRES_HOST": "postgres",
    "settings.PUBLIC_URL": "https://dither.example.org",
    "settings.SMTP_HOST": "mail",
    "settings.CLOUDINARY_CLOUD_NAME": "ann",
}
ALL = {
    "autoscaling.enabled": "true",
    "edge.enabled": "true",
    "httpRoute.enabled": "true",
    "httpRoute.parentRefs[0].name": "outside",
    "ingress.enabled": "true",
    "ingress.host": "dither.example.org",
    "ingress.tlsSecret": "dither-tls",
    "networkPolicy.from[0].namespaceSelector.matchLabels.name": "ingress",
    "settings.GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8",
}


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Skips the test where helm is not installed."""
    program = shutil.which("helm", path=f"{BUILT}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("helm is not here: tests/prepare builds it where Go is installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def options(values: dict[str, str]) -> list[str]:
    return [f"--set={name}={value}" for name, value in (LEAST | values).items()]


def render(values: dict[str, str] | None = None) -> list[Document]:
    """What `helm install dither` would make."""
    done = helm("template", "dither", str(CHART), "--namespace=pictures", *options(values or {}))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(values: dict[str, str]) -> str:
    """The sentence by which helm refuses the values."""
    done = helm("template", "dither", str(CHART), *options(values))
    assert done.returncode != 0, "the values were accepted"
    return done.stderr


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    """The specs of one kind, by name."""
    return {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == kind}


def pods(documents: list[Document]) -> dict[str, Document]:
    """Each pod's template, by the name of its Deployment or Job."""
    specs = of_kind(documents, "Deployment") | of_kind(documents, "Job")
    return {name: spec["template"] for name, spec in specs.items()}


def container(pod: Document) -> Document:
    [only] = pod["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def variables(pod: Document) -> dict[str, str]:
    return {v["name"]: v["value"] for v in container(pod)["env"] if "value" in v}


def secrets(pod: Document) -> dict[str, str]:
    """The secrets that a pod is given: variable and key."""
    refs = {
        v["name"]: v["valueFrom"]["secretKeyRef"] for v in container(pod)["env"] if "valueFrom" in v
    }
    assert {ref["name"] for ref in refs.values()} <= {"dither"}
    return {name: ref["key"] for name, ref in refs.items()}
