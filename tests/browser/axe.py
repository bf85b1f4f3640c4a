"""axe-core, the accessibility checker, from npm; kept in a cache folder of the project."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_CACHE = Path(__file__).parents[2] / ".cache" / "axe"
_SCRIPT = _CACHE / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def install_axe() -> Path | None:
    """The checker's script; None where it is not there and npm cannot bring it."""
    npm = shutil.which("npm")
    if not _SCRIPT.exists() and npm:
        _CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(_CACHE)]
        subprocess.run([*command, "axe-core@4"], capture_output=True, timeout=120, check=False)
    return _SCRIPT if _SCRIPT.exists() else None


def violations(page: Page, script: Path) -> list[str]:
    """What axe finds wrong with the page as it is now: rule, sentence, elements."""
    # Evaluated, not added as an element: the page's policy allows no script but its own.
    page.evaluate(script.read_text())
    found: dict[str, Any] = page.evaluate(
        "(rules) => axe.run(document, { runOnly: rules })", _RULES
    )
    return [
        f"{entry['id']}: {entry['help']}: {[node['html'][:160] for node in entry['nodes']]}"
        for entry in found["violations"]
    ]
