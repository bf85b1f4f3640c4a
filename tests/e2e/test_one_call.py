"""One call through the gateway: files for panels, archives, downloads and photos of phones."""

import io
import zipfile
from typing import Any

import pytest
import requests
from PIL import Image

from dither_engine import Options, dither_bytes
from tests.support.pictures import heic, photograph, picture
from tests.support.system import System, wait_for

PHOTO = photograph(320, 240)
PANEL = "waveshare-2.9"


def send(system: System, files: list[tuple[str, bytes]], **fields: str) -> requests.Response:
    sent = [("file", file) for file in files]
    return requests.post(f"{system.url}/dither", files=sent, data=fields, timeout=60)


def images(system: System) -> list[Any]:
    return list(requests.get(f"{system.url}/images", timeout=30).json()["items"])


def test_a_photo_becomes_the_file_of_a_panel_and_nothing_is_kept(system: System) -> None:
    before = images(system)
    answer = send(system, [("my photo.jpg", PHOTO)], panel=PANEL)
    assert answer.status_code == 200, answer.text
    assert answer.content == dither_bytes(PHOTO, Options(panel=PANEL)).data
    assert answer.headers["content-disposition"] == 'inline; filename="my photo.bin"'
    assert answer.headers["etag"]
    assert answer.headers["server-timing"]
    assert images(system) == before
    assert not system.mails()


def test_twenty_files_come_back_as_a_zip(system: System) -> None:
    """More bytes than a single upload may have."""
    large = picture("BMP", (1200, 900))
    files = [(f"{number}.bmp", large) for number in range(10)]
    files += [(f"{number}.jpg", PHOTO) for number in range(10, 19)]
    answer = send(system, [*files, ("bad.jpg", PHOTO[:3000])], panel=PANEL)
    assert answer.headers["content-type"] == "application/zip", answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = [*(f"{number}.bin" for number in range(19)), "bad.jpg.txt", "manifest.json"]
        assert archive.namelist() == names
        assert archive.read("7.bin") == dither_bytes(large, Options(panel=PANEL)).data


def test_refusals_come_through(system: System) -> None:
    too_many = send(system, [("a.png", b"x")] * 25)
    assert (too_many.status_code, "20" in too_many.json()["detail"]) == (422, True)
    params = {"url": "https://example.org/photo.jpg"}
    fetched = requests.get(f"{system.url}/dither", params=params, timeout=30)
    assert (fetched.status_code, "DITHER_URL_HOSTS" in fetched.json()["detail"]) == (403, True)
    assert fetched.headers["content-type"] == "application/problem+json"


def test_a_photo_of_a_phone_is_stored_and_downloaded_in_other_formats(system: System) -> None:
    photo = heic(Image.open(io.BytesIO(PHOTO)))
    uuid = system.upload(photo, "Füße.heic")["uuid"]
    image = system.dithered(uuid)
    assert image["content_type"] == "image/heic"

    original = requests.get(f"{system.url}/images/{uuid}/file", timeout=30)
    assert original.headers["content-type"] == "image/heic"
    assert "filename*=UTF-8''F%C3%BC%C3%9Fe.heic" in original.headers["content-disposition"]

    (dither,) = requests.get(f"{system.url}/dithers/{uuid}", timeout=30).json()["dithers"]
    path = f"{system.url}/dithers/{uuid}/{dither['dither_id']}"
    stored, converted = (
        requests.get(path, params=query, timeout=30) for query in ({}, {"format": "webp"})
    )
    assert stored.content == dither_bytes(original.content, Options()).data
    assert "filename*=UTF-8''F%C3%BC%C3%9Fe.png" in stored.headers["content-disposition"]
    seen = [Image.open(io.BytesIO(a.content)).convert("RGB") for a in (stored, converted)]
    assert seen[0].tobytes() == seen[1].tobytes()
    again = requests.get(path, headers={"if-none-match": stored.headers["etag"]}, timeout=30)
    assert again.status_code == 304


def test_work_that_nobody_waits_for_any_more_is_stopped(system: System) -> None:
    """About six seconds of work."""
    palette = ",".join(f"#{number * 60_000:06x}" for number in range(256))
    slow = {"algorithm": "knoll", "palette": palette, "distance": "ciede2000", "candidates": "64"}
    file = {"file": ("a.png", photograph(50, 50))}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{system.url}/dither", files=file, data=slow, timeout=1)

    def stopped() -> bool:
        lines = system.log("dither").splitlines()
        return any('"path":"/dither","status":499' in line for line in lines)

    wait_for(stopped, "end of the work", seconds=20)
