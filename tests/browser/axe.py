"""axe-core, the accessibility checker, from npm; kept in a cache folder of the project."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_CACHE = Path(__file__).parents[2] / ".cache" / "axe"
_SCRIPT = _CACHE / "node_modules" / "axe-core" / "axe.min.js"
_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = "([part, options]) => axe.run(part, options)"


class Axe:
    def __init__(self, script: Path) -> None:
        self._script = script.read_text()

    def open(self, page: Page, *, colours_only: bool = False) -> Callable[[str], list[str]]:
        """A check of the part of the page that a selector names: rule, sentence, elements.

        Of the page as it was opened: one that is loaded anew needs another.
        """
        # Evaluated, not added as an element: the page's policy allows no script but its own.
        page.evaluate(self._script)
        rules = (
            {"type": "rule", "values": ["color-contrast"]}
            if colours_only
            else {"type": "tag", "values": _STANDARDS}
        )
        options = {"runOnly": rules, "resultTypes": ["violations"]}

        def check(part: str) -> list[str]:
            found: dict[str, Any] = page.evaluate(_RUN, [part, options])
            return [
                f"{entry['id']}: {entry['help']}: {[node['html'][:160] for node in entry['nodes']]}"
                for entry in found["violations"]
            ]

        return check


def install_axe() -> Axe | None:
    """The checker; None where it is not there and npm cannot bring it."""
    npm = shutil.which("npm")
    if not _SCRIPT.exists() and npm:
        _CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(_CACHE)]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run([*command, "axe-core@4"], capture_output=True, timeout=120, check=False)
    return Axe(_SCRIPT) if _SCRIPT.exists() else None
