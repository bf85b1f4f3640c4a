"""Dashboard and alerts on the running system: each metric and label in them is really there."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from standalone.ports import free_port
from tests.support.broker import Broker
from tests.support.observability import DIRECTORY, alerts, expressions
from tests.support.pictures import photograph
from tests.support.promql import RATE_INTERVAL, labels_by_metric
from tests.support.system import System, running_system, wait_for

NAMES = ("gateway", "upload", "dither", "notification")
OF_PROMETHEUS = {"up", "ALERTS"}
EXPRESSIONS = list(expressions())

Labels = dict[str, set[str]]


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in NAMES}


@pytest.fixture(scope="module")
def system(
    ports: dict[str, int],
    broker: Broker,
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    """A system that has made and mailed a dither."""
    overrides = {name: {"METRICS_PORT": str(port)} for name, port in ports.items()}
    directory = tmp_path_factory.mktemp("system")
    with running_system(directory, broker, database, overrides=overrides) as running:
        running.dithered(running.upload(photograph(64, 48), email="ann@example.org")["uuid"])
        wait_for(running.mails, "mail")
        yield running


@pytest.fixture(scope="module")
def shown(system: System, ports: dict[str, int]) -> Labels:
    """The names of the labels of each metric of any process."""
    found: Labels = {}
    for port in ports.values():
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize(("name", "text"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_what_an_expression_reads_is_there(shown: Labels, name: str, text: str) -> None:
    for metric, labels in labels_by_metric(text).items():
        if metric not in OF_PROMETHEUS:
            assert metric in shown
            assert labels <= shown[metric]


@contextmanager
def prometheus(directory: Path, ports: dict[str, int]) -> Iterator[str]:
    """The real one, with our rules, asking the processes each second; gives its address."""
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for name, port in ports.items()
    ]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(DIRECTORY / "alerts.yml")],
        "scrape_configs": jobs,
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    log = (directory / "log").open("wb")
    program = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={address}",
            "--enable-feature=exemplar-storage",
        ],
        stderr=log,
    )
    try:
        yield f"http://{address}/api/v1"
    finally:
        program.terminate()
        program.wait(30)
        log.close()


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs Prometheus: tests/prepare")
def test_prometheus_reads_all_processes_and_raises_alerts(
    system: System, ports: dict[str, int], tmp_path: Path
) -> None:
    with prometheus(tmp_path, ports) as api:

        def get(path: str, **parameters: str) -> Any:
            return requests.get(f"{api}/{path}", params=parameters, timeout=10).json()["data"]

        def is_reading() -> bool:
            targets = get("targets")["activeTargets"]
            return [target["health"] for target in targets] == ["up"] * len(NAMES)

        wait_for(is_reading, "target of Prometheus that is up")
        wait_for(
            lambda: all(
                rule["health"] == "ok" for g in get("rules")["groups"] for rule in g["rules"]
            ),
            "evaluation of all rules",
        )
        [group] = get("rules")["groups"]
        assert {rule["name"] for rule in group["rules"]} == set(alerts())
        assert {rule["state"] for rule in group["rules"]} == {"inactive"}
        for name, text in EXPRESSIONS:
            query = text.replace(RATE_INTERVAL, "1m")
            assert get("query", query=query)["resultType"] == "vector"
            if name.startswith("panel ") and "/" not in text and "ALERTS" not in text:
                wait_for(partial(has_values, get, query), f"value for the {name}")

        system.services.stop("upload")
        raised = {"ProcessDown", "ReplicaOutOfRotation"}
        wait_for(lambda: raised <= pending(get), "alert of a process that is down")


def pending(get: Callable[..., Any]) -> set[str]:
    return {alert["labels"]["alertname"] for alert in get("alerts")["alerts"]}


def has_values(get: Callable[..., Any], query: str) -> bool:
    return bool(get("query", query=query)["result"])
