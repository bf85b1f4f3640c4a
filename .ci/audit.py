"""What the services bring along: known vulnerabilities (pip-audit) and licences (pip-licenses).

Exit status 1 for a vulnerability or a licence that is not allowed. Where the database of
vulnerabilities (OSV) cannot be reached, that is said; with AUDIT_REQUIRED=1, as in CI on GitHub, it
is a failure too.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
# Of each package one must match. LGPL and MPL: used unchanged, as libraries of their own.
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Unlicense|MPL|Mozilla Public|LGPL|Lesser General|Zlib|CC0"
)
AUDIT = ("--vulnerability-service=osv", "--disable-pip", "--require-hashes", "--format=json")
# Packages whose metadata do not name it, and what their licence file says.
KNOWN = {"pyreqwest": "Apache-2.0"}


def main() -> int:
    requirements = _run(PROJECT / ".ci" / "locked.py", "server").stdout
    names = re.findall(r"^[A-Za-z0-9._-]+", requirements, re.MULTILINE)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        audited = _run(BIN / "pip-audit", *AUDIT, "--requirement", file.name)
    licensed = _run(BIN / "pip-licenses", "--from=mixed", "--format=json", "--packages", *names)
    required = os.environ.get("AUDIT_REQUIRED") == "1"
    vulnerable = report_vulnerabilities(audited.stdout, audited.stderr, required=required)
    refused = report_licences(json.loads(licensed.stdout))
    return int(vulnerable or refused)


def _run(*order: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *order], capture_output=True, text=True, check=False)


def report_vulnerabilities(answer: str, errors: str, *, required: bool) -> bool:
    """Print what pip-audit found; True if CI must fail."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except ValueError:
        reason = (errors.strip().splitlines() or ["no answer"])[-1]
        print(f"Vulnerabilities: NOT CHECKED, the database cannot be used: {reason[:120]}")
        return required
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        for vulnerability in package["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            print(f"  {package['name']} {package['version']}: {vulnerability['id']} ({fixed})")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    print(f"Vulnerabilities: {len(bad)} of {len(packages)} packages; not checked: {skipped}")
    return bool(bad) or (required and bool(skipped))


def report_licences(packages: list[dict[str, str]]) -> bool:
    """Print each package's licence; True if one is not allowed."""
    refused = []
    for package in packages:
        name, licence = package["Name"], package["License"]
        if licence == "UNKNOWN":
            licence = KNOWN.get(name, licence)
        if not ALLOWED.search(licence):
            refused.append(name)
        print(f"  {name} {package['Version']}: {licence}")
    print(f"Licences: {len(packages)} packages; not allowed: {refused}")
    return bool(refused)


if __name__ == "__main__":
    sys.exit(main())
