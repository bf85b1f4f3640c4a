"""``python -m standalone``: one command, one address, and everything is there again tomorrow."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
import requests

from standalone.ports import free_port
from tests.support.pictures import photograph
from tests.support.system import wait_for

START_SECONDS = 180.0
STOP_SECONDS = 60.0
PROJECT = Path(__file__).parents[2]


@contextmanager
def running(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The command as ``make run`` gives it; ended with Ctrl-C, as a person would."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "NUMBA_CACHE_DIR"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "standalone"],
        cwd=PROJECT,
        env={**kept, "DATA_DIR": str(data), "PORT": str(port), "SWEEP_INTERVAL_SECONDS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if f"http://localhost:{port}" in line:
                break
        else:
            raise AssertionError("it ended: " + "".join(said))
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)
        took = time.monotonic() - started
        _, alive = psutil.wait_procs(children, timeout=30)
        process.stdout.close()
    assert took < STOP_SECONDS
    assert not alive


def test_images_and_unfinished_work_outlive_a_stop(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    picture = photograph(64, 48)

    def upload() -> str:
        answer = requests.post(f"{url}/images", files={"file": ("a.jpg", picture)}, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["uuid"])

    def dithered(uuid: str) -> bool:
        image = requests.get(f"{url}/images/{uuid}", timeout=30).json()
        return bool(image["status"] == "dithered")

    with running(tmp_path, port) as process:
        yesterday = upload()
        wait_for(lambda: dithered(yesterday), "dither")
        dither_service = next(
            child
            for child in psutil.Process(process.pid).children()
            if "dither_service.main" in child.cmdline()
        )
        dither_service.suspend()  # it is there, and does nothing
        unfinished = upload()
        dither_service.kill()

    with running(tmp_path, port):
        listed = requests.get(f"{url}/images", timeout=30).json()["items"]
        assert {yesterday, unfinished} <= {image["uuid"] for image in listed}
        wait_for(lambda: dithered(unfinished), "dither of what was left unfinished")


def test_all_services_together_hold_five_connections(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(tmp_path, port) as process:
        postgres = next(
            child
            for child in psutil.Process(process.pid).children()
            if child.cmdline()[0].endswith("postgres")
        )
        arguments = postgres.cmdline()
        database_port = arguments[arguments.index("-p") + 1]
        password = next(tmp_path.rglob("password"), None)
        if password is None:  # kept elsewhere, where the database's own account can enter
            password = Path((tmp_path / "postgres" / "moved").read_text().strip()) / "password"
        connection = psycopg2.connect(
            f"postgresql://dither:{password.read_text()}@127.0.0.1:{database_port}/dither"
        )
        connection.autocommit = True
        most = 0
        with connection.cursor() as cursor:
            for _ in range(40):
                requests.post(
                    f"{url}/images", files={"file": ("a.jpg", photograph(64, 48))}, timeout=30
                )
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
                row = cursor.fetchone()
                assert row is not None
                most = max(most, row[0])
        connection.close()
    assert 1 <= most <= 5


def test_a_taken_port_is_told_with_a_way_out(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "standalone"],
            cwd=PROJECT,
            env={**os.environ, "DATA_DIR": str(tmp_path), "PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr
    assert "PORT=8080" in done.stderr
