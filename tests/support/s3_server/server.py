"""S3Proxy as a child process."""

import atexit
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from standalone.ports import free_port
from tests.support.guard import Guard
from tests.support.maven import fetch_jars

_HERE = Path(__file__).parent
_VERSION = "2.9.0"
_START_SECONDS = 120.0


class S3Server:
    """A server on 127.0.0.1 with one account. Raises JarsUnavailableError without Java or Maven."""

    access_key_id = "test-key"
    secret_access_key = "test-secret"

    def __init__(self) -> None:
        jars = fetch_jars(_HERE / "pom.xml", f"s3proxy-{_VERSION}", "S3Proxy")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._directory = Path(tempfile.mkdtemp(prefix="dither-s3-"))
        atexit.register(self.stop)
        (self._directory / "data").mkdir()
        settings = {
            "s3proxy.endpoint": self.url,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": self.access_key_id,
            "s3proxy.credential": self.secret_access_key,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.filesystem.basedir": self._directory / "data",
        }
        properties = self._directory / "s3proxy.conf"
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        options += [f"-Dlogback.configurationFile={_HERE / 'logback.xml'}", "-cp", f"{jars}/*"]
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["java", *options, "org.gaul.s3proxy.Main", "--properties", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = Guard(self._process.pid)
        self._wait_until_ready(port)

    def make_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"bucket-{secrets.token_hex(4)}"
        (self._directory / "data" / name).mkdir()
        return name

    def keys(self, bucket: str) -> set[str]:
        """The keys of all objects, read from the disk and not through S3."""
        root = self._directory / "data" / bucket
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    def environment(self, bucket: str) -> dict[str, str]:
        """The variables with which the services keep their files here."""
        return {
            "STORAGE": "s3",
            "S3_BUCKET": bucket,
            "S3_ENDPOINT": self.url,
            "S3_ACCESS_KEY_ID": self.access_key_id,
            "S3_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def stop(self) -> None:
        atexit.unregister(self.stop)
        self._guard.release()
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _wait_until_ready(self, port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self._directory / "log").read_text(errors="replace")
                raise AssertionError(f"S3Proxy does not start: {log[-800:]}")
            time.sleep(0.05)
