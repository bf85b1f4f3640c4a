"""Print the part of requirements.lock that an extra of pyproject.toml, or one package, needs.

    python3 .ci/locked.py server > requirements.txt
    pip install --require-hashes -r requirements.txt

The lock file is one for all extras, so that a package has one version everywhere. pip checks
hashes of a requirements file, but not of a constraints file: so each installation gets its part as
a requirements file, hashes included. Without an argument: what the engine alone needs. Standard
library only.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
NAME = re.compile(r"[A-Za-z0-9._-]+")
VIA = re.compile(r"#\s+(?:via )?([A-Za-z0-9][A-Za-z0-9._-]*)")


def normalized(requirement: str) -> str:
    """The package's name in a requirement, spelled as in the lock file (PEP 503)."""
    match = NAME.match(requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def direct(project: dict[str, Any], extra: str | None) -> set[str]:
    """The packages that pyproject.toml names for an extra and for the extras that it includes."""
    tables = project["optional-dependencies"]
    named = list(project["dependencies"])
    waiting = [extra] if extra else []
    while waiting:
        for requirement in tables[waiting.pop()]:
            if normalized(requirement) == project["name"]:
                waiting += re.findall(r"\[(.+)\]", requirement)
            else:
                named.append(requirement)
    return {normalized(requirement) for requirement in named}


def blocks(lock: str) -> list[tuple[str, str, set[str]]]:
    """Each entry of the lock file: its package, its text, and the packages that require it."""
    texts = re.findall(r"^\S.*\n(?:[ \t].*\n)*", lock, re.MULTILINE)
    return [(normalized(text), text, set(VIA.findall(text))) for text in texts]


def select(lock: str, wanted: set[str]) -> str:
    """The entries of the wanted packages and of all that these require."""
    entries = blocks(lock)
    found: set[str] = set()
    while wanted - found:
        found |= wanted
        wanted = wanted | {name for name, _, parents in entries if parents & found}
    missing = wanted - {name for name, _, _ in entries}
    if missing:
        raise SystemExit(f"not in requirements.lock: {', '.join(sorted(missing))}; run make lock")
    return "".join(text for name, text, _ in entries if name in wanted)


def main() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lock = (PROJECT / "requirements.lock").read_text()
    named = sys.argv[1] if len(sys.argv) > 1 else None
    is_extra = named is None or named in project["optional-dependencies"]
    sys.stdout.write(select(lock, direct(project, named) if is_extra else {normalized(named)}))


if __name__ == "__main__":
    main()
