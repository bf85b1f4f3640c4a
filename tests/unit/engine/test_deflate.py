"""What our compressor writes is what zlib reads, and not much larger than what ISA-L writes."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib
from numpy.typing import NDArray
from skimage import data

from dither_engine import Options, deflate, dither
from dither_engine.compiled.packing import packed

Bytes = NDArray[np.uint8]
OURS, THEIRS = float("inf"), 0.0


def with_margin(content: bytes) -> Bytes:
    return np.frombuffer(content + bytes(deflate.MARGIN), np.uint8)


def stream(*pieces: bytes) -> bytes:
    return b"".join(deflate.deflated(map(with_margin, pieces)))


def patterns() -> st.SearchStrategy[bytes]:
    """Bytes and short texts of few values, repeated up to many times."""
    some = st.binary(min_size=1, max_size=9) | st.lists(
        st.sampled_from(b"\x00\x11"), min_size=1
    ).map(bytes)
    parts = st.tuples(some, st.sampled_from([1, 1, 2, 3, 8, 70, 300])).map(
        lambda pair: pair[0] * pair[1]
    )
    return st.lists(parts, max_size=20).map(b"".join)


@pytest.fixture(params=[OURS, THEIRS], ids=["ours", "ISA-L"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All runs of pieces by one of the compressors."""
    monkeypatch.setattr(deflate, "_ALLOWED", request.param)


@pytest.mark.usefixtures("either")
@given(st.lists(patterns(), max_size=4))
def test_zlib_reads_what_was_compressed(pieces: list[bytes]) -> None:
    assert zlib.decompress(stream(*pieces)) == b"".join(pieces)


@given(st.lists(st.sampled_from([b"\x07" * 900, bytes(range(256)) * 4]), min_size=30, max_size=40))
def test_runs_of_both_compressors_make_one_stream(pieces: list[bytes]) -> None:
    assert zlib.decompress(stream(*pieces)) == b"".join(pieces)


@pytest.mark.parametrize("length", [*range(9), *range(55, 75), *range(255, 265), 5000])
@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5])
def test_repeats_of_every_length(
    monkeypatch: pytest.MonkeyPatch, length: int, distance: int
) -> None:
    monkeypatch.setattr(deflate, "_ALLOWED", OURS)
    content = b"begin" + (bytes(range(10, 10 + distance)) * length)[: length + distance] + b"end"
    assert zlib.decompress(stream(content)) == content


def test_codes_that_would_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts like Fibonacci's numbers make the deepest Huffman tree: 24 bits; 15 are allowed."""
    monkeypatch.setattr(deflate, "_ALLOWED", OURS)
    counts = [1, 1]
    while len(counts) < 24:
        counts.append(counts[-1] + counts[-2])
    ordered = np.repeat(np.arange(24, dtype=np.uint8), counts)
    content = np.random.default_rng(3).permutation(ordered).tobytes()
    assert zlib.decompress(stream(content)) == content
    assert len(stream(content)) < 1.02 * len(zlib.compress(content, 1))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"palette": "spectra-6"},
        {"palette": "pico-8"},
        {"palette": "gray"},
        {"channels": 4},
        {"algorithm": "blue-noise"},
        {"algorithm": "bayer-8"},
        {"algorithm": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["astronaut", "coffee", "cat"])
def test_never_much_larger_than_isal(name: str, fields: dict[str, object]) -> None:
    rows = dithered_rows(photograph(name), fields)
    pieces = [rows[top : top + 128].tobytes() for top in range(0, len(rows), 128)]
    size = len(stream(*pieces))
    compressor = isal_zlib.compressobj(1)
    assert size < 1.07 * len(compressor.compress(rows) + compressor.flush())


def photograph(name: str) -> Bytes:
    found: Bytes = getattr(data, name)()
    return found


def dithered_rows(picture: Bytes, fields: dict[str, object]) -> Bytes:
    found = dither(picture, Options.parse(fields))
    bits = next(bits for bits in (1, 2, 4, 8) if len(found.palette) <= 1 << bits)
    return np.pad(packed(found.indices, bits), ((0, 0), (1, 0)))


def test_error_diffusion_is_compressed_by_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dithered_rows(photograph("astronaut"), {})
    size = len(stream(rows.tobytes()))
    monkeypatch.setattr(deflate, "_ALLOWED", OURS)
    assert size == len(stream(rows.tobytes()))


def test_regular_patterns_are_compressed_by_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = np.tile(np.arange(512) // 2, (400, 1)).astype(np.uint8)
    rows = dithered_rows(np.dstack([ramp] * 3), {"algorithm": "bayer-8"})
    size = len(stream(rows.tobytes()))
    monkeypatch.setattr(deflate, "_ALLOWED", OURS)
    assert size < 0.6 * len(stream(rows.tobytes()))
