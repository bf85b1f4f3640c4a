"""The README's examples, run as they stand."""

import re
import subprocess
import zipfile
from pathlib import Path

from tests.support.pictures import photograph
from tests.support.system import System

README = Path(__file__).parents[2] / "README.md"


def examples() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), flags=re.DOTALL)
    return [block for block in blocks if "curl" in block]


def test_every_curl_example_works(system: System, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photograph())
    (tmp_path / "photos").mkdir()
    for number in range(20):
        (tmp_path / "photos" / f"{number:02}.jpg").write_bytes(photograph(60 + number, 40))
    script = "\n".join(["set -euo pipefail", *examples()])
    # --fail-with-body: an answer of 4xx or 5xx ends the script, and is shown.
    script = script.replace("curl -s", "curl -sS --fail-with-body")
    script = script.replace("http://localhost:8000", system.url)
    # A second is enough for a person, who can look again; not on every machine.
    script = script.replace("--max-time 1 ", "--max-time 6 ")

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"uuid"') >= 4
    assert "event: image" in done.stdout
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "photo.bin").read_bytes()) == 800 * 480 // 2
    with zipfile.ZipFile(tmp_path / "dithered.zip") as archive:
        assert archive.namelist() == [*(f"{n:02}.png" for n in range(20)), "manifest.json"]
    assert (tmp_path / "photo.webp").read_bytes().startswith(b"RIFF")
