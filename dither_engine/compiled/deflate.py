"""A deflate block for dithered pixels: its own Huffman codes, and repeats of the bytes before.

Dithered pixels are noise with short patterns. Searching the last 32 KiB, as general compressors do,
finds little more than the patterns that repeat immediately, 1 to `NEAR` bytes after each other.
Those are found by comparing `BLOCK` bytes at once.

Source: RFC 1951, "DEFLATE Compressed Data Format Specification version 1.3", 1996.
"""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.huffman import LONGEST, assign
from dither_engine.compiled.simd_bytes import (
    BLOCK,
    equal_before,
    load_word,
    low_zeros,
    store_word,
)

NEAR = 4  # bytes; distances up to this have no extra bits
LEAST, MOST = 4, 258  # bytes of a repeat; deflate allows 3, which save almost nothing
MARGIN = BLOCK + NEAR
_AT_ONCE = 4  # literals
_COUNTED = 4  # of this many repeats, and the literals before them, one is counted
_END, _LENGTHS, _DISTANCES = 256, 257, 286  # symbols: end of block, first length, first distance
_SYMBOLS = _DISTANCES + NEAR
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.int64)
_HEAD_BITS, _ALIGN_BITS = 17, 3 + 7
_U1, _I4, _I8 = types.uint8, types.int32, types.int64


def room(size: int) -> int:
    """The most bytes that `deflate_block` may write for ``size`` bytes."""
    return size * LONGEST // 8 + _SYMBOLS + BLOCK


@kernel(array_in(_U1, 1), array_out(_I4, 2), array_out(_U1, 1), array_out(_I8, 1))
def deflate_block(data, repeats, out, end):
    """Compress to a block that is not the last of its stream, and ends at a byte boundary.

    data: followed by `MARGIN` zeros. repeats: scratch memory, (size // LEAST + 1, 3). out: `room`
    bytes. end: of the block in ``out``, (1,).
    """
    size = data.shape[0] - MARGIN
    counts = np.ones(_SYMBOLS, np.int64)
    count = find_repeats(data, size, repeats, counts)
    codes, bits = np.zeros(_SYMBOLS, np.uint64), np.zeros(_SYMBOLS, np.uint64)
    place, word, used = write_head(counts, codes, bits, out)
    of_lengths, bits_of_lengths = codes_of_lengths(codes, bits)
    of_distances, bits_of_distances = codes_of_distances(codes, bits)
    at = 0
    for i in range(count + 1):
        start, length, distance = np.int64(repeats[i, 0]), repeats[i, 1], repeats[i, 2]
        while start - at >= _AT_ONCE:
            after, left = put_literals(word, used, load_word(data, at), _AT_ONCE, codes, bits)
            if left >= 64:
                break
            place, word, used = flush(out, place, after, left)
            at += _AT_ONCE
        few = min(start - at, np.int64(_AT_ONCE))
        after, left = put_literals(word, used, load_word(data, at), few, codes, bits)
        after, left = put(after, left, of_lengths[length], bits_of_lengths[length])
        after, left = put(after, left, of_distances[distance], bits_of_distances[distance])
        if at + few < start or left >= 64:  # too many bits for a word: one by one
            for j in range(at, start):
                word, used = put(word, used, codes[data[j]], bits[data[j]])
                place, word, used = flush(out, place, word, used)
            after, left = put(word, used, of_lengths[length], bits_of_lengths[length])
            after, left = put(after, left, of_distances[distance], bits_of_distances[distance])
        place, word, used = flush(out, place, after, left)
        at = start + length
    word, used = put(word, used, codes[_END], bits[_END])
    # An empty stored block: its head is three zeros, then zeros up to a byte boundary.
    place, word, used = flush(out, place, word, used + np.uint64(_ALIGN_BITS))
    store_word(out, place, np.uint64(0xFFFF0000))
    end[0] = place + 4


@merged
def find_repeats(data, size, repeats, counts):
    """Fill in start, length and distance of each repeat, and count some of the symbols.

    Returns the number of repeats. After them comes an empty one, at the end of the data.
    """
    count, at, done = 0, min(NEAR, size), 0
    while at < size:
        one, two = equal_before(data, at, 1), equal_before(data, at, 2)
        three, four = equal_before(data, at, 3), equal_before(data, at, 4)
        begins = begun(one) | begun(two) | begun(three) | begun(four)
        following = at + BLOCK - LEAST + 1
        while begins != 0:
            first = low_zeros(begins)
            length, distance = longest(one, two, three, four, first)
            start = at + first
            if first + length == BLOCK:
                length = extended(data, start, length, distance)
            length = min(length, MOST, size - start)
            if length < LEAST:
                break
            repeats[count, 0], repeats[count, 1], repeats[count, 2] = start, length, distance
            if count % _COUNTED == 0:
                for i in range(done, start):
                    counts[data[i]] += 1
                counts[_LENGTHS + length_symbol(length)[0]] += 1
                counts[_DISTANCES - 1 + distance] += 1
            count += 1
            done = start + length
            if first + length > BLOCK - LEAST:
                following = done
                break
            begins &= ~np.uint64(0) << np.uint64(first + length)
        at = following
    repeats[count, 0], repeats[count, 1], repeats[count, 2] = size, 0, 0
    if count == 0:
        for i in range(size):
            counts[data[i]] += 1
    return count


@merged
def begun(equal):
    """Where `LEAST` bits in sequence are set."""
    pairs = equal & (equal >> np.uint64(1))
    return pairs & (pairs >> np.uint64(2))


@merged
def run(equal, first):
    """How many bits from ``first`` on are set."""
    return low_zeros(~(equal >> np.uint64(first)))


@merged
def longest(one, two, three, four, first):
    """Length and distance of the longest repeat at ``first``."""
    length, distance = run(one, first), 1
    for number, equal in ((2, two), (3, three), (4, four)):
        if run(equal, first) > length:
            length, distance = run(equal, first), number
    return length, distance


@merged
def extended(data, start, length, distance):
    """The length of a repeat that reaches the end of a block, or more than `MOST`."""
    more = BLOCK
    while more == BLOCK and length < MOST:
        more = low_zeros(~equal_before(data, start + length, distance))
        length += more
    return length


@merged
def put(word, used, code, bits):
    """Append a code to the ``used`` bits of a word. If they become 64 or more, it is invalid."""
    return word | (code << (used & np.uint64(63))), used + bits


@merged
def put_literals(word, used, literals, count, codes, bits):
    """Append the lowest ``count`` bytes of ``literals``, at most `_AT_ONCE`."""
    for i in range(_AT_ONCE):
        literal = (literals >> np.uint64(8 * i)) & np.uint64(255)
        wanted = ~np.uint64(0) if i < count else np.uint64(0)
        word, used = put(word, used, codes[literal] & wanted, bits[literal] & wanted)
    return word, used


@merged
def flush(out, place, word, used):
    """Write a word and keep the bits that are no whole byte."""
    store_word(out, place, word)
    whole = used & np.uint64(56)
    return place + np.int64(used >> np.uint64(3)), word >> whole, used & np.uint64(7)


@inlined
def write_head(counts, codes, bits, out):
    """Choose the codes and write them; returns ``place``, ``word`` and ``used``."""
    assign(counts[:_DISTANCES], LONGEST, codes[:_DISTANCES], bits[:_DISTANCES])
    assign(counts[_DISTANCES:], LONGEST, codes[_DISTANCES:], bits[_DISTANCES:])
    kinds = len(_ORDER)
    counts_of_bits = np.zeros(kinds, np.int64)
    for i in range(_SYMBOLS):
        counts_of_bits[bits[i]] += 1
    of_bits, bits_of_bits = np.zeros(kinds, np.uint64), np.zeros(kinds, np.uint64)
    assign(counts_of_bits, 7, of_bits, bits_of_bits)
    # Not the last block; codes of its own; numbers of literals and lengths, distances, kinds.
    head = 2 << 1 | (_DISTANCES - 257) << 3 | (NEAR - 1) << 8 | (kinds - 4) << 13
    place, word, used = 0, np.uint64(head), np.uint64(_HEAD_BITS)
    for i in range(kinds):
        word, used = put(word, used, bits_of_bits[_ORDER[i]], np.uint64(3))
        place, word, used = flush(out, place, word, used)
    for i in range(_SYMBOLS):
        word, used = put(word, used, of_bits[bits[i]], bits_of_bits[bits[i]])
        place, word, used = flush(out, place, word, used)
    return place, word, used


@inlined
def length_symbol(length):
    """The number of a length's symbol, of its extra bits, and their value."""
    if length == MOST:
        return 28, 0, 0
    rest, extra = length - 3, 0
    while rest >> extra >= 8:
        extra += 1
    return 4 * extra + (rest >> extra), extra, rest & ((1 << extra) - 1)


@inlined
def codes_of_lengths(codes, bits):
    """The codes of all lengths, with their extra bits; nothing for length 0."""
    found, count = np.zeros(MOST + 1, np.uint64), np.zeros(MOST + 1, np.uint64)
    for length in range(LEAST, MOST + 1):
        symbol, extra, value = length_symbol(length)
        own = bits[_LENGTHS + symbol]
        found[length] = codes[_LENGTHS + symbol] | (np.uint64(value) << own)
        count[length] = own + np.uint64(extra)
    return found, count


@inlined
def codes_of_distances(codes, bits):
    """The codes of the distances; nothing for distance 0."""
    found, count = np.zeros(NEAR + 1, np.uint64), np.zeros(NEAR + 1, np.uint64)
    found[1:], count[1:] = codes[_DISTANCES:], bits[_DISTANCES:]
    return found, count
