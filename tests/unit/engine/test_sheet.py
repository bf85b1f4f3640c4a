"""The contact sheet: every algorithm's picture with its name above it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dither_engine import EngineError, Options, decode, dither_bytes, sheet
from dither_engine.algorithms import ALGORITHMS
from dither_engine.cli import main
from dither_engine.sheet import GAP, LABEL, contact_sheet
from tests.support.pictures import animation, photograph, picture

FEW = ("floyd-steinberg", "interleaved-gradient-noise", "bayer-2", "none")


@pytest.fixture(autouse=True)
def few_algorithms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "ALGORITHMS", {name: ALGORITHMS[name] for name in FEW})


def places(drawn: NDArray[np.uint8], height: int) -> list[tuple[str, int, int]]:
    """Name, x and y of each picture: four algorithms are two rows of two."""
    across = (drawn.shape[1] - GAP) // 2
    down = LABEL + height + GAP
    return [(name, GAP + n % 2 * across, GAP + LABEL + n // 2 * down) for n, name in enumerate(FEW)]


def drawn_sheet(data: bytes, options: Options) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(contact_sheet(data, options)))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (Options(palette="pico-8", saturation=1.5, brightness=0.8, seed=4), (60, 40)),
        (Options(palette="gray", channels=4, width=30), (30, 20)),
        (Options(width=31, height=90, scale=2), (31, 90)),
    ],
)
def test_each_picture_is_what_its_algorithm_makes_with_these_options(
    options: Options, size: tuple[int, int]
) -> None:
    data = picture(size=(60, 40))
    drawn = drawn_sheet(data, options)
    for name, x, y in places(drawn, size[1] * options.scale):
        alone = options.model_copy(update={"algorithm": name})
        expected = np.asarray(Image.open(io.BytesIO(dither_bytes(data, alone).data)).convert("RGB"))
        height, width = size[1] * options.scale, size[0] * options.scale
        assert np.array_equal(drawn[y : y + height, x : x + width], expected)


def test_large_pictures_are_made_small() -> None:
    drawn = drawn_sheet(photograph(1024, 512), Options())
    assert drawn.shape[:2] == (2 * (LABEL + 128 + GAP) + GAP, 2 * (256 + GAP) + GAP)


@pytest.mark.parametrize("size", [(3, 2), (10, 200)])
def test_names_are_whole_beside_each_other_however_narrow_the_picture(
    size: tuple[int, int],
) -> None:
    drawn = drawn_sheet(picture(size=size), Options())
    font = ImageFont.load_default(13)
    for name, x, y in places(drawn, size[1]):
        width = int(font.getlength(name))
        label = Image.new("RGB", (width, LABEL), "white")
        ImageDraw.Draw(label).text((0, 2), name, fill="black", font=font)
        assert np.array_equal(drawn[y - LABEL : y, x : x + width], np.asarray(label))


def test_of_an_animation_one_frame_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Image.Image] = []
    upright = decode.upright

    def counted(image: Image.Image, *rest: Any) -> decode.Frame | decode.DeepFrame:
        decoded.append(image)
        return upright(image, *rest)

    monkeypatch.setattr(decode, "upright", counted)
    drawn_sheet(animation("GIF", 5), Options(palette="adaptive:4"))
    assert len(decoded) == 1


def test_a_sheet_above_the_limit_is_refused_before_it_is_made() -> None:
    with pytest.raises(EngineError, match="at most 90,000 pixels"):
        contact_sheet(picture(size=(300, 200)), Options(width=300), max_pixels=90_000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "sheet.gif"], "A contact sheet is a PNG file"),
        (["-o", "sheet.png", "--format", "webp"], "A contact sheet is a PNG file"),
        (
            ["-o", "sheet.png", "--algorithm", "atkinson"],
            "leave --algorithm, --kernel and --matrix out",
        ),
        (
            ["-o", "sheet.png", "--kernel", "[[0, 0, 1]]"],
            "leave --algorithm, --kernel and --matrix out",
        ),
    ],
)
def test_what_a_sheet_cannot_obey_is_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["photo.png", "--contact-sheet", *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
