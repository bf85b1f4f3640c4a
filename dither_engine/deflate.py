"""A zlib stream of dithered rows, each run of pieces by the compressor that suits them.

Our own compressor finds only immediate repeats and takes half the time of ISA-L. After error
diffusion that costs one or two per cent of size; masks leave patterns that only ISA-L finds. So
both compress the first piece of each run, and its sizes decide about the others.

Sources: RFC 1950, "ZLIB Compressed Data Format Specification version 3.3", 1996; RFC 1951.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from dither_engine.compiled.deflate import LEAST, MARGIN, deflate_block, room
from dither_engine.memory import reusable

__all__ = ["MARGIN", "deflated"]

_HEAD = b"\x78\x01"  # deflate with a window of 32 KiB, compressed fast
_LAST = b"\x03\x00"  # an empty last block
_LEVEL = 1
_RUN = 16  # pieces
_ALLOWED = 1.05  # our size beside ISA-L's
Bytes = NDArray[np.uint8]


def deflated(pieces: Iterable[Bytes]) -> Iterator[bytes]:
    """The stream in parts. pieces: ``uint8 (n,)``, each followed by `MARGIN` zeros beyond its data.

    A piece should have some ten thousand bytes, since each has a head of 100 bytes.
    """
    check = 1
    general: Any = None
    yield _HEAD
    for number, piece in enumerate(pieces):
        data = piece[:-MARGIN]
        check = isal_zlib.adler32(data, check)
        if number % _RUN == 0:
            general = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
            block, other = _block(piece), _part(general, data)
            if len(block) <= _ALLOWED * len(other):
                general = None
            yield block if general is None else other
        else:
            yield _block(piece) if general is None else _part(general, data)
    yield _LAST + check.to_bytes(4, "big")


def _part(general: Any, data: Bytes) -> bytes:
    found: bytes = general.compress(data) + general.flush(isal_zlib.Z_SYNC_FLUSH)
    return found


def _block(piece: Bytes) -> bytes:
    size = len(piece) - MARGIN
    repeats = reusable((size // LEAST + 1, 3), np.int32)
    out = reusable(room(size), np.uint8)
    end = np.zeros(1, np.int64)
    deflate_block(piece, repeats, out, end)
    return out[: end[0]].tobytes()
