"""The documents name files that are there."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
DOCUMENTS = [
    *PROJECT.glob("*.md"),
    *(PROJECT / "docs").rglob("*.md"),
    *(PROJECT / "tests").glob("*.md"),
    *(PROJECT / "deploy").rglob("*.md"),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text())
    assert [link for link in targets if not (document.parent / link).exists()] == []


def test_the_files_that_contributors_edit_are_there() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+)`", text)
    assert len(named) > 20
    assert [name for name in named if not _exists(name)] == []


def _exists(name: str) -> bool:
    """From the project's root, or within the package that the sentence is about."""
    return (PROJECT / name).exists() or any(PROJECT.glob(f"*/{name}"))
