"""The page's modules that need no browser, tested by Node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dither_engine.palette_files import colours_of_file

HERE = Path(__file__).parent
COLOURS = ["#1a1c2c", "#b13e53", "#00ff7f", "#ffffff"]
WRITE = """
const { WRITERS } = await import(process.argv[1]);
const [, , kind, ...colours] = process.argv;
process.stdout.write(WRITERS[kind]("My palette", colours));
"""


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs node 20.19 or later")
    return found


@pytest.mark.parametrize("module", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_module(module: Path) -> None:
    command = [node(), "--test", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["hex", "gpl", "pal", "txt", "ase"])
def test_the_service_reads_the_palettes_that_the_page_writes(kind: str) -> None:
    module = HERE.parents[1] / "frontend" / "js" / "palette-files.js"
    command = [node(), "--input-type=module", "-e", WRITE, str(module), kind, *COLOURS]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert colours_of_file(done.stdout) == COLOURS
