"""Parts, files and facts of a picture that the service holds in memory."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dither_engine import Options, dither_bytes
from dither_service.palette_api import palette_router
from dither_service.pool import DitherPool
from dither_service.preview import Previews
from dither_service.preview_api import preview_router
from dither_service.settings import DitherSettings
from dither_service.waiting import Places
from shared.health import Health
from shared.http import create_app
from tests.integration.services.support import Client, sentence, served
from tests.support.pictures import picture

SETTINGS = DitherSettings(max_upload_bytes=300_000, max_pixels=200_000)
PNG = picture("PNG", (64, 48))
OPTIONS = {"palette": "gameboy", "algorithm": "bayer-4", "width": 32, "scale": 3}
PART = {"x": 10, "y": 5, "width": 40, "height": 30, "shown_width": 40, "shown_height": 30}
UNKNOWN = "0" * 64


@contextmanager
def serve(settings: DitherSettings = SETTINGS) -> Iterator[Client]:
    app = create_app("Previews", Health("dither", {}), settings)
    pool = DitherPool(settings)
    previews = Previews(settings, pool)
    places = Places(settings)
    app.include_router(preview_router(settings, previews, places))
    app.include_router(palette_router(settings, previews, places))
    with served(app) as client:
        yield client
    pool.close()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serve() as started:
        yield started


def send(client: Client, answer: str, data: bytes = PNG, **wish: Any) -> Any:
    return client.post(
        f"/previews/{answer}", files={"file": ("a.png", data)}, data={"request": json.dumps(wish)}
    )


def ask(client: Client, answer: str, **wish: Any) -> Any:
    return client.post(f"/previews/{answer}", json=wish)


def pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_picture_is_sent_once_and_asked_for_by_its_name(client: Client) -> None:
    first = send(client, "part", options=OPTIONS, part=PART)
    name = first.headers["x-dither-picture"]
    saved = ask(client, "file", picture=name, options=OPTIONS)
    assert saved.headers["content-type"] == "image/png"
    assert saved.content == dither_bytes(PNG, Options(**OPTIONS)).data
    again = ask(client, "part", picture=name, options=OPTIONS, part={**PART, "x": 11})
    assert again.status_code == 200
    assert (again.headers["x-dither-width"], again.headers["x-dither-height"]) == ("96", "72")
    whole = pixels(saved.content)
    assert np.array_equal(pixels(first.content), whole[5:35, 10:50])
    assert np.array_equal(pixels(again.content), whole[5:35, 11:51])


def test_facts_are_those_of_the_file(client: Client) -> None:
    facts = send(client, "facts", options=OPTIONS).json()
    saved = send(client, "file", options=OPTIONS).content
    colours, counts = np.unique(pixels(saved).reshape(-1, 3), axis=0, return_counts=True)
    found = {"#" + bytes(c).hex(): n / counts.sum() for c, n in zip(colours, counts, strict=True)}
    assert facts["bytes"] == len(saved)
    assert facts["source"] == {"width": 64, "height": 48, "frames": 1}
    assert (facts["width"], facts["height"], facts["format"]) == (96, 72, "png")
    assert facts["colours"] == len(found)
    assert {entry["hex"]: entry["share"] for entry in facts["palette"]} == pytest.approx(found)


def test_many_levels_are_counted(client: Client) -> None:
    options = {"channels": 9, "algorithm": "none"}
    saved = pixels(send(client, "file", options=options).content)
    facts = send(client, "facts", options=options).json()
    assert facts["colours"] == len(np.unique(saved.reshape(-1, 3), axis=0))
    assert facts["palette"] == []


def test_an_animation_is_saved_with_all_its_frames(client: Client) -> None:
    frames = [Image.new("L", (20, 10), value) for value in (40, 90, 200)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    facts = send(client, "facts", file.getvalue(), options={"format": "gif"}).json()
    assert (facts["frames"], facts["source"]["frames"]) == (3, 3)
    whole = {"width": 20, "height": 10, "shown_width": 20, "shown_height": 10}
    part = send(client, "part", file.getvalue(), part=whole)
    assert part.headers["x-dither-frames"] == "3"
    with Image.open(io.BytesIO(part.content)) as image:
        assert getattr(image, "n_frames", 1) == 3


def test_a_picture_that_is_not_held_is_sent_again(client: Client) -> None:
    assert "send its file" in sentence(ask(client, "facts", picture=UNKNOWN), 404)


def test_nothing_is_held_without_memory() -> None:
    """Every answer is then made from the file in the request."""
    with serve(SETTINGS.model_copy(update={"preview_memory_bytes": 0})) as client:
        answer = send(client, "part", options=OPTIONS, part=PART)
        assert answer.status_code == 200
        name = answer.headers["x-dither-picture"]
        assert ask(client, "part", picture=name, part=PART).status_code == 404


@pytest.mark.parametrize(
    ("answer", "wish", "word"),
    [
        ("facts", {}, "picture: must be an id"),
        ("facts", {"picture": "../etc"}, "picture"),
        ("facts", {"picture": UNKNOWN, "options": {"algorithm": "magic"}}, "magic"),
        ("facts", {"picture": UNKNOWN, "more": 1}, "more"),
        ("part", {"picture": UNKNOWN}, "part"),
        ("part", {"picture": UNKNOWN, "part": {**PART, "width": 0}}, "part.width"),
        ("part", {"picture": UNKNOWN, "part": {**PART, "x": -1}}, "part.x"),
        ("part", {"picture": UNKNOWN, "part": {**PART, "shown_width": 9999}}, "shown_width"),
    ],
)
def test_a_wish_that_is_none(client: Client, answer: str, wish: dict[str, Any], word: str) -> None:
    assert word in sentence(ask(client, answer, **wish), 422)


@pytest.mark.parametrize(
    ("data", "wish", "status", "word"),
    [
        (b"", {}, 422, "empty"),
        (b"a text", {}, 422, "no image"),
        (PNG, {"picture": 5}, 422, "picture"),
        (PNG, {"options": {"width": 600}}, 422, "pixels"),
        (PNG, {"options": {"scale": 32}}, 422, "pixels"),
        (bytes(300_001), {}, 413, "300,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_previewed(
    client: Client, data: bytes, wish: dict[str, Any], status: int, word: str
) -> None:
    assert word in sentence(send(client, "facts", data, **wish), status)


def test_a_panel_is_shown_in_its_own_colours_or_those_of_its_file(client: Client) -> None:
    """Whatever was asked for before: the file itself has no colours."""
    panel = {"panel": "waveshare-2.13-4-colour"}
    first = send(client, "facts", options=panel)
    assert first.json()["format"] == "raw"
    name = first.headers["x-dither-picture"]
    part = {"x": 0, "y": 0, "width": 122, "height": 250, "shown_width": 122, "shown_height": 250}
    seen: dict[str, set[str]] = {}
    for colours in ("measured", "device"):
        options = {**panel, "format": "png", "colours": colours}
        shown = ask(client, "part", picture=name, options=options, part=part)
        seen[colours] = {bytes(pixel).hex() for pixel in pixels(shown.content).reshape(-1, 3)}
    assert seen["measured"] <= {"0a070e", "adb2ae", "ac8000", "55180e"}
    assert seen["device"] <= {"000000", "ffffff", "ffff00", "ff0000"}


def test_the_colours_of_a_palette_file(client: Client) -> None:
    def read(data: bytes) -> Any:
        return client.post("/previews/palette", files={"file": ("a.gpl", data)})

    text = b"GIMP Palette\nName: two\n#\n 26  28  44\tnight\n255 255 255\tday\n"
    assert read(text).json() == {"colours": ["#1a1c2c", "#ffffff"]}
    assert sentence(read(b"#000000"), 422) == "A palette has 2 to 256 colours, not 1."
    assert "hex colour a line" in sentence(read(b"no palette"), 422)
    assert sentence(read(b""), 422).startswith("file: it is empty")
