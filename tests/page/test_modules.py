"""The page's modules that need no browser, tested by Node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("module", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_module(module: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node 20.19 or later")
    command = [node, "--test", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
