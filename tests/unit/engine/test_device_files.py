"""Files for displays, decoded bit by bit as docs/formats.md describes them."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dither_engine import Dithered, EngineError, Options, dither, dither_bytes
from dither_engine.encode import encode
from dither_engine.raw import Layout, raw
from tests.support import display_readers as read

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
LAYOUTS = st.one_of(
    st.tuples(st.sampled_from([1, 2, 4, 8]), st.just("rows")),
    st.tuples(st.sampled_from([1, 2, 4, 8]), st.just("planes")),
    st.tuples(st.just(1), st.just("pages")),
)


def picture(colours: int, width: int = 13, height: int = 9, seed: int = 1) -> Dithered:
    """Random positions in a palette of ``colours`` random colours."""
    random = np.random.default_rng(seed)
    palette = random.permutation(256)[:colours].astype(np.uint8)
    return Dithered(
        random.integers(0, colours, (height, width)).astype(np.uint8),
        np.column_stack([palette, palette[::-1], palette]),
    )


@given(
    LAYOUTS,
    st.sampled_from(["msb", "lsb"]),
    st.integers(1, 5),
    st.integers(1, 19),
    st.integers(1, 19),
    st.integers(0, 99),
)
def test_each_pixel_is_at_the_bits_that_the_page_says(
    layout: tuple[int, str], order: str, align: int, width: int, height: int, seed: int
) -> None:
    bits, packing = layout
    random = np.random.default_rng(seed)
    codes = random.integers(0, 1 << bits, (height, width)).astype(np.uint8)
    data = raw(codes, Layout(bits, packing, order, align))
    assert read.bit_by_bit(data, (width, height), bits, packing, order, align) == codes.tolist()


def examples() -> list[tuple[dict[str, str], np.ndarray, bytes]]:
    """Options, positions of a picture, and bytes of each example of the page."""
    found = []
    for block in re.findall(r"```text\n(format=.*?)```", PAGE.read_text(), flags=re.DOTALL):
        first, *rows, last = block.strip().split("\n")
        options = dict(word.split("=", 1) for word in first.split())
        pixels = np.array([row.split() for row in rows], np.uint8)
        found.append((options, pixels, bytes.fromhex(last.removeprefix("=>"))))
    return found


def test_the_page_has_an_example_of_every_layout() -> None:
    said = {word for options, _, _ in examples() for word in options}
    assert said == {
        "format",
        "palette",
        "bits",
        "codes",
        "packing",
        "bit_order",
        "row_align",
        "invert",
    }


@pytest.mark.parametrize(("fields", "pixels", "data"), examples())
def test_the_examples_of_the_page(fields: dict[str, str], pixels: np.ndarray, data: bytes) -> None:
    options = Options.parse({"palette": "black-white", **fields})
    palette = dither(np.zeros((1, 1), np.uint8), options).palette
    assert encode(Dithered(pixels, palette), options).data == data


@pytest.mark.parametrize(
    ("colours", "bits"),
    [(2, None), (3, None), (16, None), (17, None), (256, None), (2, 24), (2, 4)],
)
@pytest.mark.parametrize("width", [1, 7, 8, 33])
def test_a_bmp_has_the_colours_in_the_fewest_bits(
    colours: int, bits: int | None, width: int
) -> None:
    done = picture(colours, width)
    data = encode(done, Options(format="bmp", bits=bits)).data
    fewest = 1 if colours == 2 else 4 if colours <= 16 else 8
    assert data[28] == (bits or fewest)
    assert np.array_equal(read.bmp(data), done.rgb())
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), done.rgb())


def test_a_bmp_of_more_than_256_colours_has_24_bits() -> None:
    file = io.BytesIO()
    pixels = np.random.default_rng(3).integers(0, 256, (9, 7, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    done = dither_bytes(file.getvalue(), Options(channels=16, format="bmp"))
    assert (done.content_type, done.extension) == ("image/bmp", "bmp")
    assert np.array_equal(read.bmp(done.data), dither(pixels, Options(channels=16)).rgb())


@pytest.mark.parametrize(
    ("levels", "bits", "written"),
    [(2, None, 1), (4, None, 2), (16, None, 4), (3, None, 8), (256, None, 8), (2, 8, 8), (4, 4, 4)],
)
def test_a_grey_png_has_the_greys_in_the_fewest_bits(
    levels: int, bits: int | None, written: int
) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (3, 1))
    options = Options(palette="gray", channels=levels, format="png-grey", bits=bits)
    done = dither(ramp, options)
    data = encode(done, options).data
    assert np.array_equal(read.grey_png(written)(data, 256, 3), done.rgb())


def test_an_array_in_c_has_the_bytes_of_the_raw_file() -> None:
    fields = {"palette": "spectra-6", "row_align": 4, "invert": True}
    photo = np.random.default_rng(5).integers(0, 256, (30, 50, 3), np.uint8)
    done = dither(photo, Options(palette="spectra-6"))
    text = encode(done, Options(format="c-array", **fields))
    plain = encode(done, Options(format="raw", **fields))
    assert read.array_in_c(text.data) == (50, 30, plain.data)
    assert (text.extension, plain.extension) == ("h", "bin")
    assert plain.content_type == "application/octet-stream"


def test_pixels_are_enlarged_in_every_format() -> None:
    done = picture(2, 5, 3)
    data = encode(done, Options(format="raw", scale=3, palette="black-white")).data
    wanted = np.repeat(np.repeat(done.indices, 3, axis=0), 3, axis=1).tolist()
    assert read.bit_by_bit(data, (15, 9), 1, "rows", "msb", 1) == wanted


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"format": "raw", "codes": [0, 1, 2]},
            "for each colour of the palette: 2, not 3",
        ),
        ({"format": "raw", "codes": [0, 4], "bits": 2}, "needs at least 3 bits"),
        ({"format": "raw", "codes": [0, 2], "packing": "pages"}, "one bit a pixel"),
        ({"format": "bmp", "bits": 1, "palette": "4-colour"}, "needs at least 2 bits"),
        ({"format": "png-grey", "palette": "4-colour"}, "has greys only"),
        ({"format": "png-grey", "palette": "#000,#808080", "bits": 4}, "needs at least 8 bits"),
        ({"format": "raw", "palette": "channels", "channels": 16}, "at most 256 colours"),
        (
            {"palette": "#00c800,#0000c8", "measured": True},
            "be lighter in red, green and blue",
        ),
    ],
)
def test_what_a_display_cannot_have_is_refused(fields: dict[str, object], said: str) -> None:
    file = io.BytesIO()
    pixels = np.random.default_rng(2).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    with pytest.raises(EngineError, match=said):
        dither_bytes(file.getvalue(), Options.parse({"palette": "black-white", **fields}))


@pytest.mark.parametrize("form", ["png-grey", "bmp", "raw", "c-array"])
def test_animations_and_transparency_are_refused_with_a_way_out(form: str) -> None:
    frames = [Image.new("L", (4, 4), grey) for grey in (0, 255)]
    moving, clear = io.BytesIO(), io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    Image.new("LA", (4, 4), (255, 0)).save(clear, "PNG")
    options = Options(palette="gray", format=form)
    with pytest.raises(EngineError, match="has one picture, not 2 frames"):
        dither_bytes(moving.getvalue(), options)
    with pytest.raises(EngineError, match="choose alpha=flatten"):
        dither_bytes(clear.getvalue(), options)
    assert dither_bytes(clear.getvalue(), options.model_copy(update={"alpha": "flatten"})).data


def test_colours_of_ones_own_panel() -> None:
    """A list with both colours is mixed as a named panel's, and written as its driver takes it."""
    photo = np.random.default_rng(6).integers(0, 256, (30, 30, 3), np.uint8)
    both = "#1a0d23=#000,#b9cacd=#fff,#cab800=#ff0,#790900=#f00,#00458b=#00f,#285239=#0f0"
    own = dither(photo, Options(palette=both, colours="device"))
    named = dither(photo, Options(palette="spectra-6"))
    assert np.array_equal(own.indices, named.indices)
    assert bytes(own.palette[4]).hex() == "0000ff"
    plain = ",".join(pair.split("=")[0] for pair in both.split(","))
    measured = dither(photo, Options(palette=plain, measured=True))
    assert np.array_equal(measured.indices, named.indices)
    assert np.array_equal(measured.palette, named.palette)
    assert not np.array_equal(dither(photo, Options(palette=plain)).indices, named.indices)
