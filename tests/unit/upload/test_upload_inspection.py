"""What a file is, is told by its content; a file that is not whole is told apart, never a crash."""

import subprocess
import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dither_engine import Encoded, EngineError, Options, dither_bytes
from shared.problems import Problem
from tests.support.pictures import FORMATS, animation, black_png, picture
from upload_service.inspection import Inspected
from upload_service.inspector import ALLOWED, inspect_here
from upload_service.settings import UploadSettings

MAX_PIXELS = 50_000_000
FEW_PIXELS = 1_000_000
MAX_FRAMES = 9
TYPES = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "GIF": ("image/gif", "gif"),
    "WEBP": ("image/webp", "webp"),
    "AVIF": ("image/avif", "avif"),
    "HEIC": ("image/heic", "heic"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tif"),
}
SAMPLES = {
    **{name: picture(name) for name in FORMATS},
    "MPO": picture("MPO"),
    "progressive JPEG": picture("JPEG", progressive=True),
    "TIFF with LZW": picture("TIFF", compression="tiff_lzw"),
    "TIFF with JPEG": picture("TIFF", compression="jpeg"),
    "animated GIF": animation("GIF"),
    "animated WebP": animation("WEBP"),
    "animated PNG": animation("PNG"),
}


def inspect(data: bytes, *, max_pixels: int, max_frames: int) -> Inspected:
    limits = UploadSettings(max_pixels=max_pixels, max_frames=max_frames, keep_metadata=True)
    return inspect_here(limits)(data).file


def refusal(data: bytes, max_pixels: int = MAX_PIXELS) -> Problem:
    with pytest.raises(Problem) as caught:
        inspect(data, max_pixels=max_pixels, max_frames=MAX_FRAMES)
    return caught.value


@pytest.mark.parametrize("name", FORMATS)
def test_the_content_tells_the_type(name: str) -> None:
    assert inspect(SAMPLES[name], max_pixels=MAX_PIXELS, max_frames=MAX_FRAMES) == Inspected(
        *TYPES[name], 40, 30, 1
    )


def test_a_picture_with_more_pictures_behind_it_is_a_jpeg() -> None:
    found = inspect(SAMPLES["MPO"], max_pixels=MAX_PIXELS, max_frames=MAX_FRAMES)
    assert found == Inspected("image/jpeg", "jpg", 40, 30, 1)


@pytest.mark.parametrize("name", ["animated GIF", "animated WebP", "animated PNG"])
def test_an_animation_is_as_large_as_its_canvas(name: str) -> None:
    found = inspect(SAMPLES[name], max_pixels=MAX_PIXELS, max_frames=MAX_FRAMES)
    assert (found.width, found.height) == (24, 16)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (333, 1021), (2048, 64)])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_as_large_as_it_is_stored(size: tuple[int, int], progressive: bool) -> None:
    data = picture("JPEG", size, progressive=progressive)
    found = inspect(data, max_pixels=MAX_PIXELS, max_frames=MAX_FRAMES)
    assert (found.width, found.height) == size


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 30)), (3, (40, 30)), (6, (30, 40))])
def test_the_size_is_that_of_the_upright_picture(
    name: str, orientation: int, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = picture(name, exif=exif)
    found = inspect(data, max_pixels=MAX_PIXELS, max_frames=MAX_FRAMES)
    assert (found.width, found.height) == size
    made = dither_bytes(data, Options())
    assert (made.width, made.height) == size


def test_an_empty_file() -> None:
    problem = refusal(b"")
    assert problem.status == 422
    assert "empty" in problem.detail


@pytest.mark.parametrize(
    "data",
    [
        b"I am a text, whatever my name says.\n",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%PDF-1.7\n",
        b"\x89PNG",
        bytes(1000),
        picture("PPM"),
        picture("PCX"),
    ],
)
def test_what_is_no_picture_of_a_known_type(data: bytes) -> None:
    problem = refusal(data)
    assert problem.status == 415
    assert ALLOWED in problem.detail


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_that_is_cut_short(name: str) -> None:
    data = picture(name, (200, 200))
    problem = refusal(data[: len(data) // 2 + 50])
    assert problem.status in {415, 422}
    assert "damaged or cut short" in problem.detail or "known type" in problem.detail


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_types_that_browsers_send_are_called_damaged(name: str) -> None:
    data = picture(name, (200, 200))
    problem = refusal(data[: len(data) // 2])
    assert (problem.status, "damaged" in problem.detail) == (422, True)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    bomb = black_png(13_000, 13_000)
    assert len(bomb) < 30_000
    problem = refusal(bomb)
    assert problem.status == 422
    assert "13,000 × 13,000" in problem.detail
    assert "50,000,000" in problem.detail


def test_the_limit_itself_is_allowed() -> None:
    assert inspect(picture("PNG", (40, 30)), max_pixels=1200, max_frames=1).width == 40
    assert refusal(picture("PNG", (40, 30)), max_pixels=1199).status == 422


@pytest.mark.parametrize("size", [(65_500, 1), (1, 65_500)])
@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_a_line_of_pixels_is_a_picture(name: str, size: tuple[int, int]) -> None:
    found = inspect(picture(name, size), max_pixels=MAX_PIXELS, max_frames=MAX_FRAMES)
    assert (found.width, found.height) == size


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (0, 0)])
def test_a_picture_without_pixels(size: tuple[int, int]) -> None:
    assert refusal(black_png(*size)).status in {415, 422}


def always_an_answer(data: bytes) -> None:
    """Taken or refused; what is taken can be dithered, and what is refused cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about what it found strange in the file
        try:
            found: Inspected | Problem = inspect(data, max_pixels=FEW_PIXELS, max_frames=MAX_FRAMES)
        except Problem as problem:
            found = problem
        made = dithered(data)
    if isinstance(found, Inspected):
        assert isinstance(made, Encoded), made
        assert (made.width, made.height) == (found.width, found.height)
        assert found.width * found.height <= FEW_PIXELS
    else:
        assert isinstance(made, str)
        assert found.status in {415, 422}


def dithered(data: bytes) -> Encoded | str:
    """What is made of a file, or why nothing is."""
    options = Options(algorithm="none", palette="gray")
    try:
        return dither_bytes(data, options, max_pixels=FEW_PIXELS, max_frames=MAX_FRAMES)
    except EngineError as error:
        return str(error)


def test_the_engine_is_asked_without_its_compiler() -> None:
    code = "import sys, upload_service.worker; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_frame_that_is_damaged_is_found_wherever_it_is() -> None:
    data = bytearray(animation("PNG", 5))
    data[data.rindex(b"fdAT") + 12] ^= 0xFF
    assert "damaged" in refusal(bytes(data)).detail


def test_too_many_frames_are_refused() -> None:
    data = animation("GIF", 4)
    assert inspect(data, max_pixels=MAX_PIXELS, max_frames=4).extension == "gif"
    with pytest.raises(Problem, match="at most 3 are allowed"):
        inspect(data, max_pixels=MAX_PIXELS, max_frames=3)


@pytest.mark.parametrize("name", ["AVIF", "HEIC", "TIFF", "TIFF with LZW", "PNG", "WEBP", "GIF"])
def test_no_byte_of_a_file_can_be_changed_into_a_crash(name: str) -> None:
    sample = picture(name.partition(" ")[0], (8, 6)) if " " not in name else SAMPLES[name]
    for position in range(min(len(sample), 400)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(sample)
            damaged[position] ^= flip
            always_an_answer(bytes(damaged))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_picture_is_damaged_or_a_picture(data: st.DataObject) -> None:
    sample = bytearray(SAMPLES[data.draw(st.sampled_from(sorted(SAMPLES)))])
    cut = data.draw(st.integers(0, len(sample)) | st.just(len(sample)))
    for position in data.draw(st.lists(st.integers(0, len(sample) - 1), max_size=8)):
        sample[position] = data.draw(st.integers(0, 255))
    always_an_answer(bytes(sample[:cut]))


@settings(deadline=None)
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0"])
    | st.just(b"RIFF\x40\0\0\0WEBPVP8 ")
    | st.sampled_from([b"\0\0\0\x20ftypavif", b"\0\0\0\x18ftypheic\0\0\0\0"]),
    st.binary(max_size=300),
)
def test_any_bytes_get_an_answer(head: bytes, tail: bytes) -> None:
    always_an_answer(head + tail)
