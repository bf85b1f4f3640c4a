"""Alerts, dashboard and runbook: valid by themselves, and fitting each other."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.observability import DIRECTORY, alerts, expressions, panels
from tests.support.promql import labels_by_metric

PROJECT = Path(__file__).parents[3]
RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text()
SERVICES = {"gateway", "upload", "dither", "notification"}
EXPRESSIONS = list(expressions())


@pytest.mark.parametrize(("name", "text"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_each_expression_is_promql_and_reads_a_metric(name: str, text: str) -> None:
    assert labels_by_metric(text)


def test_each_alert_has_a_section_in_the_runbook_and_each_section_an_alert() -> None:
    sections = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
    assert sorted(sections) == sorted(alerts())


@pytest.mark.parametrize("name", alerts())
def test_each_section_tells_what_it_means_and_what_to_do(name: str) -> None:
    section = RUNBOOK.split(f"## {name}\n")[1].split("\n## ")[0]
    assert re.search(r"^1\. ", section, re.MULTILINE), "steps"
    assert len(section.split("1. ")[0].split()) >= 8, "what it means"


@pytest.mark.parametrize("rule", alerts().values(), ids=alerts())
def test_each_alert_says_how_urgent_it_is_and_what_it_is_about(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: tests/prepare")
def test_each_alert_is_raised_when_it_should_be_and_never_for_a_healthy_system() -> None:
    file = DIRECTORY / "alerts.test.yml"
    tested = re.findall(r"alertname: (\w+)", file.read_text())
    assert sorted(tested) == sorted(alerts())
    done = subprocess.run(
        ["promtool", "test", "rules", file.name],
        cwd=DIRECTORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_do_not_overlap_and_ask_the_chosen_data_source() -> None:
    dashboard = json.loads((DIRECTORY / "grafana" / "dashboard.json").read_text())
    places = dashboard["panels"]
    assert len({panel["id"] for panel in places}) == len(places)
    assert len({panel["title"] for panel in places}) == len(places)
    for one, other in combinations([panel["gridPos"] for panel in places], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    for panel in panels():
        asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in asked} == {"${datasource}"}
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_prometheus_and_grafana_are_given_the_files_here() -> None:
    compose = yaml.safe_load((DIRECTORY / "docker-compose.yml").read_text())
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.validate(compose, schema)
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            assert (PROJECT / volume.partition(":")[0]).is_file()
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), "they ask nobody for a password"


def test_the_jobs_of_prometheus_are_the_services_and_their_ports_are_open_to_it() -> None:
    jobs = yaml.safe_load((DIRECTORY / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == SERVICES
    system = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    for job in jobs:
        [[target]] = [config["targets"] for config in job["static_configs"]]
        name, _, port = target.partition(":")
        assert name == job["job_name"]
        assert system[name]["environment"]["METRICS_PORT"] == port
