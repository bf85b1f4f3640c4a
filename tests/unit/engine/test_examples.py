"""What docs/engine-api.md and docs/examples show works."""

import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

from dither_engine import Options
from tests.support.options_table import PAGE, with_table

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.linear_gradient("L").resize((24, 16)).save(tmp_path / "in.png")
    monkeypatch.setattr(sys, "argv", ["engine.py", str(tmp_path / "in.png"), str(tmp_path / "out")])
    runpy.run_path(str(EXAMPLES / "engine.py"), run_name="__main__")
    assert len([*(tmp_path / "out").iterdir()]) == 5
    assert "refused: " in capsys.readouterr().out


def test_the_page_has_every_option_as_it_is() -> None:
    page = PAGE.read_text()
    assert with_table(page) == page, "run `make docs`"
    assert page.count("\n| `") > len(Options.model_fields)
