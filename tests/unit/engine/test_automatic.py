"""What ``auto`` chooses: it says so, it leaves what the user has set, and it can be set by hand."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Options, dither, dither_bytes
from dither_engine.light import linear_to_srgb, srgb_to_linear

SAMPLES = Path(__file__).parents[3] / "frontend" / "samples"
LOOKS = ("natural", "vivid", "readable")
COLOUR_PALETTES: tuple[dict[str, Any], ...] = ({"palette": "spectra-6"}, {"palette": "adaptive:6"})
TONES: tuple[dict[str, Any], ...] = ({"palette": "gray", "channels": 4}, {"palette": "black-white"})


def photograph(light: float = 1.0) -> NDArray[np.uint8]:
    """An astronaut in an orange suit; with less light, a dark scene."""
    with Image.open(SAMPLES / "astronaut.jpg") as file:
        whole = file.convert("RGB").resize((128, 128))
    dark = linear_to_srgb(srgb_to_linear(np.asarray(whole) / 255) * light)
    return np.rint(dark * 255).astype(np.uint8)


def in_range(low: int, high: int) -> NDArray[np.uint8]:
    return np.linspace(low, high, 64 * 64).reshape(64, 64).astype(np.uint8)


def chosen(picture: NDArray[np.uint8], **fields: Any) -> dict[str, float]:
    return dict(dither(picture, Options(**fields)).chosen)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("target", [*COLOUR_PALETTES, *TONES, {}])
def test_what_it_says_gives_the_same_picture_when_set_by_hand(
    look: str, target: dict[str, Any]
) -> None:
    for picture in (photograph(), photograph(0.05), in_range(60, 180)):
        found = dither(picture, Options(**target, auto=look))
        by_hand = dither(picture, Options(**target, **found.chosen))
        assert np.array_equal(found.rgb(), by_hand.rgb())
        assert by_hand.chosen == {}


@pytest.mark.parametrize("look", LOOKS)
def test_what_is_set_beside_it_stays(look: str) -> None:
    fields = {"tone": 0.1, "shadows": 0.3, "saturation": 0.9, "sharpen": 0.1, "gamut": 0.4}
    for name, value in fields.items():
        found = chosen(photograph(0.05), palette="spectra-6", auto=look, **{name: value})
        assert set(found) == {*fields, "highlights"} - {name}


def test_gamut_and_tone_can_be_automatic_alone() -> None:
    assert chosen(photograph(), palette="spectra-6", gamut="auto") == {"gamut": 1.0}
    assert chosen(photograph(), palette="spectra-6", tone="auto") == {"tone": 0.0}
    assert chosen(in_range(100, 150), palette="gray", tone="auto")["tone"] > 0
    assert chosen(photograph(), palette="spectra-6", tone=0.5, gamut=0.5) == {}
    grey = chosen(photograph().mean(axis=2).astype(np.uint8), palette="spectra-6", gamut="auto")
    assert grey == {"gamut": 0.0}


def test_a_picture_that_has_its_range_and_is_not_dark_stays_natural() -> None:
    found = chosen(in_range(0, 255), palette="gray", auto="natural")
    assert set(found.values()) <= {0.0, 1.0}  # 1 is the saturation


def test_a_dark_picture_is_lifted_and_stretched_but_stays_dark() -> None:
    found = chosen(photograph(0.05), palette="gray", auto="natural")
    assert 0 < found["tone"] < 1
    assert found["shadows"] > 0.1
    plain, lifted = (
        dither(photograph(0.05), Options(palette="gray", auto=look)).rgb().mean()
        for look in ("off", "natural")
    )
    assert plain < lifted < 2.5 * plain


def test_readable_has_more_contrast_than_natural() -> None:
    spread = {
        look: dither(in_range(60, 200), Options(palette="gray", channels=16, auto=look)).rgb().std()
        for look in ("natural", "readable")
    }
    assert spread["readable"] > 1.1 * spread["natural"]


def test_padding_and_transparent_pixels_have_no_say() -> None:
    picture = np.repeat(in_range(60, 180)[..., None], 3, axis=2)
    plain = chosen(picture, palette="gray", auto="natural")
    for background in ("#000000", "#ffffff"):
        fields = {"width": 128, "height": 64, "fit": "pad", "background": background}
        assert chosen(picture, palette="gray", auto="natural", **fields) == plain
    hidden = np.dstack([picture, np.full((64, 64), 255, np.uint8)])
    around = np.zeros((192, 192, 4), np.uint8)
    around[64:128, 64:128] = hidden
    assert chosen(around, palette="gray", tone="auto") == pytest.approx(
        chosen(picture, palette="gray", tone="auto"), abs=0.05
    )
    assert chosen(around * 0, palette="spectra-6", auto="vivid")["tone"] == 0


def test_all_frames_of_an_animation_have_one_tone() -> None:
    frames = [Image.fromarray(in_range(low, low + 60)) for low in (40, 120)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=50)
    done = dither_bytes(file.getvalue(), Options(palette="gray", tone="auto", channels=16))
    both = chosen(np.vstack([np.asarray(frame) for frame in frames]), palette="gray", tone="auto")
    assert dict(done.chosen) == pytest.approx(both, abs=0.02)


def test_the_file_says_it_too() -> None:
    file = io.BytesIO()
    Image.fromarray(photograph()).save(file, "PNG")
    options = Options(palette="spectra-6", auto="natural")
    found = dither(photograph(), options).chosen
    for form in ("png", "gif"):
        done = dither_bytes(file.getvalue(), options.model_copy(update={"format": form}))
        assert done.chosen == found
    assert dither_bytes(file.getvalue(), Options()).chosen == {}
