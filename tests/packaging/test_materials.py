"""What an image is made of: its bill of materials, and wheels for each kind of processor.

Needs the package registry that pip is configured for.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dither_engine import __version__

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> str:
    """The part of the lock file that an image installs."""
    command = [sys.executable, ".ci/locked.py", "server"]
    return subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout


def test_the_bill_lists_exactly_what_is_locked(server: str) -> None:
    subprocess.run(["make", "sbom"], cwd=PROJECT, check=True, capture_output=True)
    bill = json.loads((PROJECT / "dist" / "sbom.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("dither-services", __version__)
    listed = {normal(part["name"]): part for part in bill["components"]}
    versions = {name: part["version"] for name, part in listed.items()}
    assert versions == locked_here(server)
    assert all(part["purl"].startswith("pkg:pypi/") for part in listed.values())
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert any("llvmlite" in needed for needed in depends[listed["numba"]["bom-ref"]])
    unlicensed = {name for name, part in listed.items() if not part.get("licenses")}
    # Their wheels name none that the bill's tool reads; .ci/audit.py does.
    assert unlicensed == {"protobuf", "pyreqwest"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_here(requirements: str) -> dict[str, str]:
    """The locked versions; some packages have several, with markers that say where."""
    lines = [line.rstrip(" \\") for line in requirements.splitlines() if re.match(r"[a-z]", line)]
    wanted = [Requirement(line) for line in lines]
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in wanted
        if requirement.marker is None or requirement.marker.evaluate()
    }


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel_for_the_machine(
    machine: str, server: str, tmp_path: Path
) -> None:
    """So an image for it compiles nothing. Resolved only; nothing is installed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--target", str(tmp_path)),
            *("--python-platform", f"{machine}-manylinux_2_28", "--python-version", "3.13"),
            *("--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirements", "-"),
        ],
        input=server,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert " + numba==" in done.stderr
