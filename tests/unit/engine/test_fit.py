"""Crop, rotation, and the fit into a width and height: sizes, places, and their order."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import EngineError, Options, dither, dither_bytes
from dither_engine.areas import crop_box
from dither_engine.decode import Frame, Source, open_array
from dither_engine.fit import DONE, fit_of, fitted
from dither_engine.pipeline import dither_source

Pixels = NDArray[np.uint8]
EXACT: dict[str, Any] = {"algorithm": "none", "channels": 256}  # every colour stays what it is
SIDES = st.integers(1, 300)
GRAVITIES = Options.model_json_schema()["properties"]["gravity"]["enum"]


def shown(picture: Pixels, **fields: Any) -> Pixels:
    return dither(picture, Options(**EXACT, **fields)).rgb()


def random_picture(width: int, height: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(["stretch", "cover", "pad"]))
def test_the_frame_has_the_size_that_was_asked_for(
    width: int, height: int, across: int, down: int, fit: str
) -> None:
    options = Options(width=across, height=down, fit=fit)
    assert fit_of(width, height, options).size == (across, down)


@given(SIDES, SIDES, SIDES, SIDES)
def test_contain_is_as_large_as_it_can_be_and_keeps_the_shape(
    width: int, height: int, across: int, down: int
) -> None:
    found = fit_of(width, height, Options(width=across, height=down, fit="contain")).size
    assert found[0] <= across
    assert found[1] <= down
    assert found[0] == across or found[1] == down
    scale = min(across / width, down / height)
    assert abs(found[0] - width * scale) <= 0.5 or found[0] == 1
    assert abs(found[1] - height * scale) <= 0.5 or found[1] == 1


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(GRAVITIES))
def test_cover_shows_a_part_of_the_same_shape_at_the_side_of_the_gravity(
    width: int, height: int, across: int, down: int, gravity: str
) -> None:
    options = Options(width=across, height=down, fit="cover", gravity=gravity)
    left, top, wide, high = fit_of(width, height, options).region
    assert wide / high == pytest.approx(across / down)
    assert wide == pytest.approx(width) or high == pytest.approx(height)
    room = (width - wide, height - high)
    assert left == pytest.approx(room[0] * _share(gravity, "west", "east"), abs=1e-9)
    assert top == pytest.approx(room[1] * _share(gravity, "north", "south"), abs=1e-9)


def _share(gravity: str, least: str, most: str) -> float:
    return 0.0 if least in gravity else 1.0 if most in gravity else 0.5


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(GRAVITIES))
def test_pad_puts_the_whole_picture_into_the_frame(
    width: int, height: int, across: int, down: int, gravity: str
) -> None:
    padded = fit_of(width, height, Options(width=across, height=down, fit="pad", gravity=gravity))
    contained = fit_of(width, height, Options(width=across, height=down, fit="contain"))
    left, top, wide, high = padded.place
    assert (wide, high) == contained.size
    assert 0 <= left <= across - wide
    assert 0 <= top <= down - high
    assert "west" not in gravity or left == 0
    assert "south" not in gravity or top == down - high


@given(SIDES, SIDES, SIDES, SIDES, st.integers(1, 300), st.sampled_from(["contain", "cover"]))
def test_a_longest_side_bounds_every_fit(
    width: int, height: int, across: int, down: int, most: int, fit: str
) -> None:
    found = fit_of(width, height, Options(width=across, height=down, fit=fit), most)
    assert max(found.size) <= most


def test_cover_cuts_off_and_pad_fills_up() -> None:
    picture = random_picture(40, 20)
    for gravity, left in (("west", 0), ("center", 10), ("east", 20)):
        fields = {"width": 20, "height": 20, "gravity": gravity}
        assert np.array_equal(shown(picture, fit="cover", **fields), picture[:, left : left + 20])
    done = shown(picture, width=40, height=30, fit="pad", gravity="south", background="#102030")
    assert np.array_equal(done[10:], picture)
    assert (done[:10] == (0x10, 0x20, 0x30)).all()


def test_a_part_in_cover_is_resized_with_what_lies_around_it() -> None:
    """So the part of an even picture is even up to its edge, also for pixel art and 16 bits."""
    ramp = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], 20, axis=0)
    for resample in ("lanczos", "nearest"):
        row = shown(ramp, width=20, height=20, fit="cover", resample=resample)[10, :, 0]
        assert np.array_equal(row, ramp[10, 20:40, 0])
    deep = Image.fromarray(ramp[..., 0].astype(np.uint16) * 257)
    found = dither(deep, Options(**EXACT, width=20, height=20, fit="cover")).rgb()[10, :, 0]
    assert np.array_equal(found, ramp[10, 20:40, 0])


def test_a_grey_picture_padded_with_a_colour_becomes_a_colour_picture() -> None:
    done = shown(np.full((10, 10), 80, np.uint8), width=20, height=10, fit="pad", background="#f00")
    assert done[5, 2].tolist() == [255, 0, 0]
    assert done[5, 10].tolist() == [80, 80, 80]


def test_padding_is_opaque_and_transparency_stays() -> None:
    picture = np.zeros((10, 10, 4), np.uint8)
    done = dither(picture, Options(width=20, height=10, fit="pad"))
    assert done.alpha is not None
    assert (done.alpha[:, 5:15] == 0).all()
    assert (done.alpha[:, :5] == 255).all()
    assert (done.rgb()[:, :5] == 255).all()


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["90", "180", "270"]))
def test_a_rotation_is_undone_by_the_one_that_completes_it(
    width: int, height: int, degrees: str
) -> None:
    picture = random_picture(width, height)
    turned = shown(picture, rotate=degrees)
    assert np.array_equal(turned, np.rot90(picture, -int(degrees) // 90))
    assert np.array_equal(shown(turned, rotate=360 - int(degrees)), picture)


@pytest.mark.parametrize(
    ("size", "box", "turned"),
    [
        ((30, 40), (80, 48), True),
        ((40, 30), (80, 48), False),
        ((40, 30), (48, 80), True),
        ((40, 40), (48, 80), False),
        ((30, 40), (80, 80), False),
    ],
)
def test_auto_turns_a_portrait_for_a_landscape_panel(
    size: tuple[int, int], box: tuple[int, int], turned: bool
) -> None:
    options = Options(width=box[0], height=box[1], rotate="auto")
    assert fit_of(*size, options).turns == int(turned)


@given(SIDES, SIDES, st.lists(st.integers(0, 400), min_size=4, max_size=4))
def test_a_crop_lies_in_the_picture_or_is_refused(width: int, height: int, crop: list[int]) -> None:
    assume(crop[2] and crop[3])
    options = Options(crop=crop)
    assert options.crop is not None
    if crop[0] >= width or crop[1] >= height:
        with pytest.raises(EngineError, match="outside the picture"):
            crop_box(options.crop, width, height)
        return
    left, top, right, bottom = crop_box(options.crop, width, height)
    assert (left, top) == (crop[0], crop[1])
    assert left < right == min(crop[0] + crop[2], width)
    assert top < bottom == min(crop[1] + crop[3], height)


def test_a_crop_is_in_pixels_or_in_percent() -> None:
    picture = random_picture(40, 20)
    for crop in ("10,5,20,10", [10, 5, 20, 10], "25%,25%,50%,50%", "25%,5,20,50%"):
        assert np.array_equal(shown(picture, crop=crop), picture[5:15, 10:30])
    assert Options(crop=" 10, 5.0,20,10").digest() == Options(crop=[10, 5, 20, 10]).digest()


@pytest.mark.parametrize(
    "crop",
    ["", "1,2,3", "1,2,0,5", "1,2,3,0%", "-1,2,3,4", "1.5,2,3,4", "101%,0,1,1", [1, 2, "x", 3]],
)
def test_a_crop_that_makes_no_sense_is_refused(crop: Any) -> None:
    with pytest.raises(EngineError, match="crop"):
        Options(crop=crop)


def test_first_exif_then_crop_then_rotation_then_size() -> None:
    upright = random_picture(40, 20)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned counter-clockwise
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(file, "PNG", exif=exif)
    options = Options(**EXACT, crop="0,0,10,20", rotate=90, width=10, height=10, fit="cover")
    done = Image.open(io.BytesIO(dither_bytes(file.getvalue(), options).data))
    expected = np.rot90(upright[:, :10], -1)[:, 5:15]
    assert np.array_equal(np.asarray(done.convert("RGB")), expected)


def test_all_frames_of_an_animation_are_fitted_alike() -> None:
    frames = [Image.fromarray(random_picture(30, 20, seed)) for seed in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=50)
    options = Options(crop="5,0,20,20", rotate=270, width=24, height=30, fit="pad", channels=4)
    done = dither(Image.open(file), options)
    assert [(frame.width, frame.height) for frame in done.frames] == [(24, 30)] * 3
    for frame, picture in zip(done.frames, frames, strict=True):
        assert np.array_equal(frame.indices, dither(picture, options).indices)


@pytest.mark.parametrize(
    "fields",
    [
        {"fit": "pad", "auto": "natural", "background": "#f00"},
        {"fit": "cover", "rotate": "auto", "crop": "0,0,50%,100%", "gravity": "south"},
        {"fit": "pad", "alpha": "exclude"},
        {"fit": "contain", "alpha": "dither", "exclude": [[0, 0, 9, 9]]},
    ],
)
def test_a_picture_fitted_beforehand_gives_the_same(fields: dict[str, Any]) -> None:
    """As previews do, which keep the fitted picture."""
    alpha = np.repeat(np.arange(40, dtype=np.uint8)[None] * 6, 20, axis=0)
    picture = np.dstack([random_picture(40, 20) // 2 + 40, alpha])
    options = Options(palette="spectra-6", width=30, height=40, **fields)
    source = open_array(picture)
    assert isinstance(source.image, Frame)
    beforehand = fitted(source.image, options, fit_of(40, 20, options))
    rest = options.model_copy(update=DONE)
    one, other = dither(picture, options), dither_source(Source(beforehand), rest)
    assert np.array_equal(one.rgb(), other.rgb())
    assert one.chosen == other.chosen


def test_a_side_that_becomes_too_long_is_refused() -> None:
    with pytest.raises(EngineError, match="at most 20000 a side"):
        fit_of(1, 100, Options(width=20_000))


@pytest.mark.parametrize(
    "fields",
    [
        {"fit": "cover"},
        {"width": 20, "fit": "pad", "background": "#000"},
        {"gravity": "north"},
        {"rotate": "auto", "height": 20},
        {"width": 20, "height": 20, "fit": "contain", "gravity": "north"},
    ],
)
def test_what_is_not_read_changes_no_digest(fields: dict[str, Any]) -> None:
    plain = {"gravity": "center", "background": "#ffffff"}
    if not ("width" in fields and "height" in fields):
        plain |= {"fit": "stretch", "rotate": "0"}
    assert Options(**fields).digest() == Options(**fields | plain).digest()
