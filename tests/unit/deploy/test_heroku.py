"""heroku.yml and the page about it name the same settings, all of which exist."""

import re
from pathlib import Path

import yaml

from tests.support.env_example import SECTIONS

ROOT = Path(__file__).parents[3]
CONFIG = yaml.safe_load((ROOT / "heroku.yml").read_text())["setup"]["config"]


def test_the_page_sets_what_the_file_sets() -> None:
    page = (ROOT / "docs/platforms/heroku.md").read_text()
    command = re.search(r"heroku config:set .*?\n```", page, re.DOTALL)
    assert command is not None
    assert {f"{name}={value}" for name, value in CONFIG.items()} <= set(command[0].split())


def test_each_setting_exists_and_is_valid() -> None:
    for name, value in CONFIG.items():
        lowered = name.lower()
        [settings] = [s for s in SECTIONS.values() if lowered in s.model_fields][-1:]
        settings.model_validate({lowered: value})
