"""The wheel in a fresh environment, outside the checkout: both commands work from it alone.

Needs the package registry that pip is configured for.
"""

import os
import signal
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image

from dither_engine import __version__
from standalone.ports import free_port
from tests.support.pictures import photograph
from tests.support.system import wait_for

PROJECT = Path(__file__).parents[2]
INHERITED = ("PATH", "HOME", "LANG", "PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY")
INSTALL_SECONDS = 600
START_SECONDS = 300


class Environment:
    """A virtual environment, and an empty directory to stand in."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory / "venv", with_pip=True)
        self.bin = directory / "venv" / "bin"
        self.place = directory / "elsewhere"
        self.place.mkdir()
        self.variables = {k: v for k, v in os.environ.items() if k.startswith(INHERITED)}

    def run(self, command: str, *arguments: str, seconds: float = 300) -> tuple[int, str]:
        """The exit status, and what was written to standard output and standard error."""
        done = subprocess.run(
            [str(self.bin / command), *arguments],
            cwd=self.place,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout

    def install(self, requirement: str) -> None:
        status, text = self.run("pip", "install", "--quiet", requirement, seconds=INSTALL_SECONDS)
        assert status == 0, text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by way of the source archive, as a release is."""
    output = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    return next(output.glob("*.whl"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("fresh"))


def installed(fresh: Environment) -> set[str]:
    _, text = fresh.run("pip", "list", "--format=freeze")
    return {line.partition("==")[0].lower() for line in text.splitlines()}


def test_the_engine_alone_gives_the_command_dither(wheel: Path, fresh: Environment) -> None:
    fresh.install(str(wheel))
    assert installed(fresh).isdisjoint({"fastapi", "sqlalchemy", "confluent-kafka", "cloudinary"})
    assert fresh.run("dither", "--version") == (0, f"dither {__version__}\n")
    (fresh.place / "photo.jpg").write_bytes(photograph(64, 48))
    # Channels and default algorithm: compiles a few kernels, and says so.
    status, text = fresh.run("dither", "photo.jpg", "-o", "out.png")
    assert (status, text.count("Compiling")) == (0, 1), text
    assert fresh.run("dither", "photo.jpg", "-o", "out.png", "--force") == (0, "")
    with Image.open(fresh.place / "out.png") as picture:
        assert picture.size == (64, 48)
    status, text = fresh.run("dither-system", "run")
    assert (status, "pip install 'dither-services[services]'" in text) == (1, True)


def test_the_services_run_from_the_wheel(wheel: Path, fresh: Environment) -> None:
    fresh.install(f"{wheel}[services]")
    port = free_port()
    log = fresh.place / "run.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(fresh.bin / "dither-system"), "run", "--port", str(port)],
            cwd=fresh.place,
            env=fresh.variables,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    children: Sequence[psutil.Process] = []
    try:
        opened = f"Open http://localhost:{port}"
        wait_for(
            lambda: opened in log.read_text() or process.poll() is not None,
            opened,
            seconds=START_SECONDS,
        )
        assert process.poll() is None, log.read_text()
        url = f"http://127.0.0.1:{port}"
        status, text = fresh.run("dither-system", "health", url)
        assert (status, text.splitlines()[0]) == (0, "system: ok"), text
        assert "<title>" in requests.get(f"{url}/", timeout=30).text
        assert requests.get(f"{url}/docs", timeout=30).status_code == 200
        answer = requests.post(
            f"{url}/images", files={"file": ("a.jpg", photograph(64, 48))}, timeout=30
        )
        assert answer.status_code == 201, answer.text
        assert any((fresh.place / "data" / "files").rglob("*.jpg"))
        children = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)
        psutil.wait_procs(children, timeout=30)
    assert process.returncode == 0
