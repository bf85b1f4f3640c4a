"""The files in deploy/observability, and the expressions in them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parents[2] / "deploy" / "observability"


def alerts() -> dict[str, dict[str, Any]]:
    """Each alert's rule by its name."""
    [group] = yaml.safe_load((DIRECTORY / "alerts.yml").read_text())["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    assert len(rules) == len(group["rules"])
    return rules


def panels() -> list[dict[str, Any]]:
    """All panels of the dashboard, without the titles of rows."""
    dashboard = json.loads((DIRECTORY / "grafana" / "dashboard.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """What it is for, and the expression."""
    for name, rule in alerts().items():
        yield f"alert {name}", rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
