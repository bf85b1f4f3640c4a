"""Damaged files, each made anew from its seed, name and number."""

import random
import struct
import zlib

# Lengths, counts and sizes at which readers have gone wrong, in 1, 2, 4 and 8 bytes.
_EDGES = [
    value.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for bits in (8 * size,)
    for value in (0, 1, 2, 255, 1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << bits) - 1)
    if value < 1 << bits
    for order in ("big", "little")
]
_HEADER = 200  # bytes at the beginning, where most of a file's structure is
_MOST_CHANGES = 6


def mutant(samples: dict[str, bytes], name: str, number: int, seed: int) -> bytes:
    """The sample with this name, with 1 to 6 changes."""
    choice = random.Random(f"{seed} {name} {number}")
    data = bytearray(samples[name])
    for _ in range(choice.randint(1, _MOST_CHANGES)):
        _change(data, samples, choice)
    if data.startswith(b"\x89PNG") and choice.random() < 0.9:
        _correct_checksums(data)
    return bytes(data)


def _change(data: bytearray, samples: dict[str, bytes], choice: random.Random) -> None:
    end = len(data) if choice.random() < 0.5 else min(len(data), _HEADER)
    at = choice.randrange(max(end, 1))
    length = min(choice.choice((1, 2, 4, 8, 16, 64, 300)), max(len(data) - at, 0))
    match choice.randrange(8):
        case 0 | 1 if data:
            data[min(at, len(data) - 1)] ^= 1 << choice.randrange(8)
        case 2 | 3:
            edge = choice.choice(_EDGES)
            data[at : at + len(edge)] = edge
        case 4:
            data[at : at + length] = choice.randbytes(length)
        case 5:
            del data[at : at + length]
        case 6:  # a part twice, or very often
            data[at:at] = data[at : at + length] * choice.choice((1, 1, 1, 50))
        case _:  # a part of another file
            other = samples[choice.choice(list(samples))]
            begin = choice.randrange(len(other))
            data[at : at + length] = other[begin : begin + length]
    if choice.random() < 0.05:
        del data[choice.randrange(len(data) + 1) :]


def _correct_checksums(data: bytearray) -> None:
    """Of a PNG's chunks, as a reader would refuse most changes for them."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            return
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
