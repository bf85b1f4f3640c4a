"""The audit in CI: what makes it fail, and that it says what it could not check."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci" / "audit.py"


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(**package: Any) -> str:
    return json.dumps({"dependencies": [{"name": "one", "version": "1.0", "vulns": [], **package}]})


def test_a_known_vulnerability_fails(audit: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert not audit.report_vulnerabilities(answer(), "", required=True)
    vulnerable = answer(vulns=[{"id": "CVE-2026-1", "fix_versions": ["1.1"]}])
    assert audit.report_vulnerabilities(vulnerable, "", required=False)
    assert "one 1.0: CVE-2026-1 (1.1)" in capsys.readouterr().out


@pytest.mark.parametrize("required", [True, False])
def test_what_could_not_be_checked_is_said(
    audit: ModuleType, capsys: pytest.CaptureFixture[str], required: bool
) -> None:
    assert audit.report_vulnerabilities("", "Failed to resolve", required=required) is required
    assert "NOT CHECKED" in capsys.readouterr().out
    unknown = answer(skip_reason="not found")
    assert audit.report_vulnerabilities(unknown, "", required=required) is required
    assert "not checked: ['one']" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        ("MIT License", False),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0-only", True),
        ("UNKNOWN", True),
    ],
)
def test_licences(audit: ModuleType, licence: str, refused: bool) -> None:
    package = {"Name": "one", "Version": "1.0", "License": licence}
    assert audit.report_licences([package]) is refused
    assert not audit.report_licences([{**package, "Name": "pyreqwest", "License": "UNKNOWN"}])
