"""Palettes from files: the texts, RIFF, Adobe's swatches, pictures; and what is none of them."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dither_engine import EngineError, Options
from dither_engine.cli import main
from dither_engine.palette_files import colours_of_file

COLOURS = ["#000000", "#1d2b53", "#ff004d", "#ffccaa"]
CODES = [tuple(bytes.fromhex(colour[1:])) for colour in COLOURS]


def hex_file() -> str:
    return "".join(f"{colour[1:].upper()}\r\n" for colour in COLOURS)


def paint_net() -> str:
    return "; Paint.NET palette\n; four colours\n" + "".join(f"FF{c[1:]}\n" for c in COLOURS)


def gimp() -> str:
    head = "GIMP Palette\nName: Mine\nColumns: 2\n# a comment\n#\n"
    return head + "".join(f"{r:3} {g:3} {b:3}\tUntitled {r}\n" for r, g, b in CODES)


def jasc() -> str:
    return "JASC-PAL\r\n0100\r\n4\r\n" + "".join(f"{r} {g} {b}\r\n" for r, g, b in CODES)


def riff(extra: bytes = b"") -> bytes:
    body = struct.pack("<HH", 0x300, len(CODES)) + b"".join(bytes((*code, 0)) for code in CODES)
    chunks = extra + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"PAL " + chunks


def swatch(model: bytes, *values: float, name: str = "x") -> bytes:
    text = name.encode("utf-16-be") + b"\0\0"
    body = struct.pack(">H", len(text) // 2) + text + model
    body += struct.pack(f">{len(values)}f", *values) + struct.pack(">H", 2)
    return struct.pack(">HI", 1, len(body)) + body


def adobe(*blocks: bytes) -> bytes:
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


def rgb_swatches() -> bytes:
    begin, end = struct.pack(">HIHH", 0xC001, 4, 1, 0), struct.pack(">HI", 0xC002, 0)
    codes = ([value / 255 for value in code] for code in CODES)
    return adobe(begin, *(swatch(b"RGB ", *code, name="né") for code in codes), end)


def picture(mode: str = "RGB") -> bytes:
    pixels = np.array([[*CODES, CODES[1]], [*CODES[::-1], CODES[0]]], np.uint8)
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    (image.quantize(4) if mode == "P" else image).save(file, "PNG")
    return file.getvalue()


FILES = {
    "mine.hex": hex_file().encode(),
    "mine.txt": paint_net().encode(),
    "mine.gpl": gimp().encode(),
    "mine.pal": jasc().encode(),
    "marked.gpl": b"\xef\xbb\xbf" + gimp().encode(),
    "riff.pal": riff(),
    "riff with more.pal": riff(b"offl" + struct.pack("<I", 4) + b"abcd"),
    "mine.ase": rgb_swatches(),
    "mine.png": picture(),
    "indexed.png": picture("P"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_its_colours_in_their_order(name: str) -> None:
    assert colours_of_file(FILES[name]) == COLOURS


@pytest.mark.parametrize("text", [hex_file(), paint_net(), gimp(), jasc()])
def test_a_text_is_a_palette_in_the_options(text: str) -> None:
    assert Options(palette=text).palette == COLOURS
    assert Options(palette=text).digest() == Options(palette=COLOURS).digest()


@pytest.mark.parametrize(
    ("block", "colour"),
    [
        (swatch(b"Gray", 0.5), "#808080"),
        (swatch(b"CMYK", 0, 1, 1, 0), "#ff0000"),
        (swatch(b"CMYK", 0, 0, 0, 1), "#000000"),
        (swatch(b"LAB ", 1, 0, 0), "#ffffff"),
        (swatch(b"LAB ", 0, 0, 0), "#000000"),
        # L* = 53.24, a* = 80.09, b* = 67.20 of D65 is red; under D50 it is this.
        (swatch(b"LAB ", 0.5429, 80.81, 69.89), "#ff0000"),
        (swatch(b"RGB ", 9, -1, float("nan")), "#ff0000"),
    ],
)
def test_adobe_s_kinds_of_colours(block: bytes, colour: str) -> None:
    assert colours_of_file(adobe(block, block)) == [colour, colour]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (rgb_swatches()[:-40], "damaged or cut short"),
        (riff()[:-3], "damaged or cut short"),
        (riff()[:20], "damaged or cut short"),
        (adobe(swatch(b"HSB ", 1, 1, 1)), "unknown kind"),
        (bytes(4) + b"\xe0\xa5" + bytes(20), "sprite of Aseprite's"),
        (b"not a colour\n", "one hex colour a line"),
        (b"GIMP Palette\nName: x\n1 2 256\n", "0 to 255"),
        (b"GIMP Palette\nName: x\nred\n", "0 to 255"),
        (b"JASC-PAL\n0100\n1\n-1 2 3\n", "0 to 255"),
        (b"\xff\xfe\x00", "one hex colour a line"),
    ],
)
def test_what_is_no_palette_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        colours_of_file(data)
    assert str(caught.value).endswith(".")


def test_a_picture_of_many_colours_is_refused() -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    assert len(colours_of_file(file.getvalue())) == 256
    noise = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    with pytest.raises(EngineError, match="more than 256 colours: adaptive:n"):
        colours_of_file(file.getvalue())


@given(st.sampled_from([b"", *(data[:12] for data in FILES.values())]), st.binary(max_size=99))
def test_any_bytes_are_a_palette_or_refused(head: bytes, tail: bytes) -> None:
    try:
        colours = colours_of_file(head + tail)
    except EngineError:
        return
    assert all(len(bytes.fromhex(colour[1:])) == 3 for colour in colours)


@pytest.mark.parametrize("name", FILES)
def test_the_command_takes_a_file(name: str, tmp_path: Path) -> None:
    photo, out, file = tmp_path / "photo.png", tmp_path / "out.png", tmp_path / name
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(photo)
    file.write_bytes(FILES[name])
    assert main([str(photo), "-o", str(out), "--palette", str(file)]) == 0
    with Image.open(out) as image:
        assert image.getpalette()[:12] == [value for code in CODES for value in code]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("missing.gpl", None, "missing.gpl cannot be read: No such file or directory."),
        ("bad.ase", b"ASEF", "bad.ase: The palette file is damaged or cut short."),
        ("one.hex", b"ffffff\n", "A palette has 2 to 256 colours, not 1."),
    ],
)
def test_a_file_that_is_no_palette_is_told_in_a_sentence(
    name: str, data: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SystemExit) as caught:
        main(["x.png", "-o", "y.png", "--palette", str(tmp_path / name)])
    assert caught.value.code == 2
    assert said.rstrip(".") in capsys.readouterr().err
