"""What a format cannot hold is refused before any work, or written in another way."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageSequence

from dither_engine import Dithered, EngineError, Options, catalogue, dither, dither_bytes
from dither_engine.decode import upright
from dither_engine.encode import encode
from dither_engine.formats import FORMATS

BLACK_AND_WHITE = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
DAY = 24 * 60 * 60 * 1000
ANIMATED = [name for name, entry in FORMATS.items() if entry.longest_delay]


def line(width: int, height: int = 1) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), 90).save(file, "PNG")
    return file.getvalue()


def frames(*shown: tuple[int, int], alpha: bool = False, loop: int = 0) -> Dithered:
    """An animation of frames of 5 × 4 pixels: (which picture, milliseconds)."""
    made = []
    for number, duration in shown:
        indices = np.zeros((4, 5), np.uint8)
        indices.flat[number] = 1
        mask = np.where(np.arange(20).reshape(4, 5) == number, 0, 255).astype(np.uint8)
        made.append(Dithered(indices, BLACK_AND_WHITE, mask if alpha else None, duration=duration))
    first = made[0]
    return Dithered(first.indices, first.palette, first.alpha, tuple(made), loop=loop)


def played(data: bytes) -> list[tuple[bytes, float]]:
    """What a viewer sees: pictures and how long each is there, equal ones in a row as one."""
    seen: list[tuple[bytes, float]] = []
    with Image.open(io.BytesIO(data)) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()
            picture, time = frame.convert("RGBA").tobytes(), float(frame.info.get("duration", 0))
            if seen and seen[-1][0] == picture:
                seen[-1] = (picture, seen[-1][1] + time)
            else:
                seen.append((picture, time))
    return seen


def shown(result: Dithered) -> list[tuple[bytes, float]]:
    seen: list[tuple[bytes, float]] = []
    for frame in result.frames:
        alpha = np.full((4, 5), 255, np.uint8) if frame.alpha is None else frame.alpha
        colours = np.where(alpha[..., None] > 0, frame.rgb(), 0)
        picture = np.dstack([colours, alpha]).astype(np.uint8).tobytes()
        if seen and seen[-1][0] == picture:
            seen[-1] = (picture, seen[-1][1] + frame.duration)
        else:
            seen.append((picture, float(frame.duration)))
    return seen


def frames_in(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as image:
        return int(getattr(image, "n_frames", 1))


@pytest.mark.parametrize("form", ANIMATED)
@pytest.mark.parametrize("alpha", [False, True])
@settings(max_examples=60, deadline=None)
@given(
    pictures=st.lists(
        st.tuples(st.integers(0, 2), st.integers(2, 9) | st.integers(2, DAY // 10)),
        min_size=2,
        max_size=6,
    )
)
def test_pictures_and_times_are_what_they_were(
    form: str, alpha: bool, pictures: list[tuple[int, int]]
) -> None:
    """Equal frames in a row, and frames shown for hours, are there for as long as they were."""
    result = frames(*[(number, time * 10) for number, time in pictures], alpha=alpha)
    done = encode(result, Options(format=form))
    assert frames_in(done.data) == done.frames
    found, expected = played(done.data), shown(result)
    if done.frames == 1:  # of one picture only: a still has no time
        found, expected = [(found[0][0], 0)], [(expected[0][0], 0)]
    assert [picture for picture, _ in found] == [picture for picture, _ in expected]
    for (_, time), (_, wanted) in zip(found, expected, strict=True):
        assert time == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("form", ANIMATED)
def test_equal_frames_that_are_shown_very_long(form: str) -> None:
    """Their delays together are more than one delay can say."""
    longest = FORMATS[form].longest_delay
    result = frames((0, longest), (0, longest), (1, 20))
    assert [time for _, time in played(encode(result, Options(format=form)).data)] == [
        2 * longest,
        20,
    ]


@pytest.mark.parametrize("form", ANIMATED)
@pytest.mark.parametrize("duration", [100_000, 655_360, 20_000_000, DAY])
def test_a_long_delay_is_split_over_equal_frames(form: str, duration: int) -> None:
    done = encode(frames((0, duration), (1, 50)), Options(format=form))
    assert [time for _, time in played(done.data)] == pytest.approx([duration, 50], rel=1e-4)
    assert frames_in(done.data) == done.frames


def test_an_animation_of_weeks_is_refused_where_it_cannot_be_said() -> None:
    result = frames(*[(number % 2, DAY) for number in range(30)])
    with pytest.raises(EngineError, match="lasts at most 24 days"):
        encode(result, Options(format="webp"))
    assert encode(result, Options(format="png")).frames == 60


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), 1e15, DAY + 1])
def test_a_delay_of_more_than_a_day_is_refused(duration: float) -> None:
    image = Image.new("L", (4, 4))
    image.info["duration"] = duration
    with pytest.raises(EngineError, match="at most 24 hours"):
        upright(image, animated=True)


# ---- sizes and plays


@pytest.fixture
def nothing_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> None:
        raise AssertionError("decoded before the limits were checked")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)


@pytest.mark.parametrize(
    ("size", "options", "most"),
    [
        ((16_384, 1), {"format": "webp"}, "16,383"),
        ((1, 16_384), {"format": "webp"}, "16,383"),
        ((65_536, 1), {"format": "gif"}, "65,535"),
        ((600, 1), {"format": "webp", "scale": 32}, "16,383"),
        ((100, 1), {"format": "webp", "height": 200}, "16,383"),
        ((2, 1), {"format": "gif", "height": 2100, "scale": 16}, "65,535"),
    ],
)
@pytest.mark.usefixtures("nothing_decoded")
def test_a_side_that_is_too_long_is_refused_from_the_header(
    size: tuple[int, int], options: dict[str, Any], most: str
) -> None:
    with pytest.raises(EngineError, match=f"at most {most} pixels a side, not"):
        dither_bytes(line(*size), Options.parse(options))


@pytest.mark.parametrize("channels", [7, 256, [7, 7, 6]])
@pytest.mark.usefixtures("nothing_decoded")
def test_more_levels_than_a_gif_has_colours_are_refused_from_the_header(channels: Any) -> None:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "BMP")
    with pytest.raises(EngineError, match="at most 256 colours"):
        dither_bytes(file.getvalue(), Options(format="gif", channels=channels))


@pytest.mark.parametrize("mode", ["1", "L"])
def test_a_gif_of_256_greys_is_written(mode: str) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").convert(mode).save(file, "PNG")
    assert dither_bytes(file.getvalue(), Options(format="gif", channels=256)).colours == 256


@pytest.mark.parametrize(
    "options",
    [
        {"format": "webp", "width": 16_384},
        {"format": "webp", "height": 600, "scale": 32},
        {"format": "gif", "width": 20_000, "scale": 4},
    ],
)
def test_options_alone_may_say_that_a_side_is_too_long(options: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="pixels a side, not"):
        Options.parse(options)


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_the_longest_side_is_written(form: str) -> None:
    longest = FORMATS[form].longest_side
    done = dither_bytes(line(longest), Options(format=form, algorithm="none"))
    with Image.open(io.BytesIO(done.data)) as image:
        assert image.size == (longest, 1)


@pytest.mark.parametrize("form", ["gif", "webp"])
@pytest.mark.usefixtures("nothing_decoded")
def test_too_many_plays_are_refused_from_the_header(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [Image.new("L", (4, 4), grey) for grey in (0, 255)]
    file = io.BytesIO()
    with monkeypatch.context() as patched:
        patched.undo()
        pictures[0].save(file, "PNG", save_all=True, append_images=pictures[1:], loop=70_000)
    with pytest.raises(EngineError, match=f"{form} plays an animation at most 65,53[56] times"):
        dither_bytes(file.getvalue(), Options(format=form))


@pytest.mark.parametrize("form", ANIMATED)
@pytest.mark.parametrize("plays", [0, 1, 2, 65_535])
def test_plays_are_what_they_were(form: str, plays: int) -> None:
    done = encode(frames((0, 50), (1, 50), loop=plays), Options(format=form))
    assert dither(Image.open(io.BytesIO(done.data)), Options()).loop == plays


def test_the_catalogue_says_the_longest_sides() -> None:
    assert {entry["name"]: entry["longest_side"] for entry in catalogue()["formats"]} == {
        name: entry.longest_side for name, entry in FORMATS.items()
    }
