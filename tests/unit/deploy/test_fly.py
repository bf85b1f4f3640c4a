"""`deploy/fly.toml` keeps to Fly's schema, and fits the code."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.env_example import SECTIONS

PROJECT = Path(__file__).parents[3]
SERVICES = {"upload", "dither", "notification"}


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "deploy" / "fly.toml").read_text())


def test_the_file_keeps_to_the_schema(app: dict[str, Any]) -> None:
    """`fly.json` is that of SchemaStore (August 2026, Apache License 2.0), unchanged."""
    schema = json.loads(Path(__file__).with_name("fly.json").read_text())
    # The schema leaves out the checks of processes that no proxy leads to.
    assert app.keys() <= schema["properties"].keys() | {"checks"}
    jsonschema.Draft7Validator(schema).validate(app)


def test_commands_and_variables_exist(app: dict[str, Any]) -> None:
    assert app["processes"].keys() == SERVICES | {"gateway"}
    for command in (*app["processes"].values(), app["deploy"]["release_command"]):
        modules = re.findall(r"python -m ([\w.]+)", command)
        assert modules
        for module in modules:
            assert importlib.util.find_spec(module), module
    known = {name.upper() for settings in SECTIONS.values() for name in settings.model_fields}
    assert app["env"].keys() <= known
    assert not [name for name in app["env"] if re.search("PASSWORD|SECRET", name)]


def test_addresses_and_ports_lead_to_the_processes(app: dict[str, Any]) -> None:
    port, metrics = app["env"]["PORT"], app["env"]["METRICS_PORT"]
    for name in SERVICES:
        url = f"http://{name}.process.{app['app']}.internal:{port}"
        assert app["env"][f"{name.upper()}_SERVICE_URL"] == url
    assert app["http_service"]["internal_port"] == int(port)
    assert app["http_service"]["processes"] == ["gateway"], "nothing else is reached from outside"
    assert "services" not in app
    [check] = app["checks"].values()
    assert (check["port"], set(check["processes"])) == (int(port), SERVICES)
    assert [entry["port"] for entry in app["metrics"]] == [int(metrics)]
    assert app["env"]["PUBLIC_URL"] == f"https://{app['app']}.fly.dev"


def test_each_process_has_the_memory_of_the_chart(app: dict[str, Any]) -> None:
    values = yaml.safe_load((PROJECT / "deploy" / "helm" / "values.yaml").read_text())
    given = {name: vm["memory"] for vm in app["vm"] for name in vm["processes"]}
    assert given == {
        name: values[name]["resources"]["limits"]["memory"].lower().replace("i", "b")
        for name in app["processes"]
    }
