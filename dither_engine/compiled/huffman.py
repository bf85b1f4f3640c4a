"""Huffman codes as deflate stores them: canonical, of a limited length, first bit lowest.

Source: RFC 1951, "DEFLATE Compressed Data Format Specification version 1.3", 1996, section 3.2.2.
"""

import numpy as np

from dither_engine.compiled.decorators import inlined

LONGEST = 15  # bits of a code in deflate


@inlined
def assign(counts, limit, codes, bits):
    """Fill in each symbol's code and its number of bits, at most ``limit``; 0 if never counted."""
    choose_bits(counts, limit, bits)
    code = 0
    for length in range(1, limit + 1):
        for symbol in range(len(bits)):
            if bits[symbol] == length:
                codes[symbol] = turned(code, length)
                code += 1
        code <<= 1


@inlined
def turned(code, length):
    """The bits of a code in reverse."""
    found = 0
    for _ in range(length):
        found = found << 1 | code & 1
        code >>= 1
    return found


@inlined
def choose_bits(counts, limit, bits):
    """The number of bits of each symbol. While one is too long, the counts are halved."""
    order = np.argsort(counts)
    unused = np.count_nonzero(counts == 0)
    leaves = len(counts) - unused
    weights = counts[order[unused:]]
    deepest = limit + 1
    while deepest > limit:
        depths = depths_of(weights)
        deepest = depths[0]
        weights = (weights + 1) >> 1
    for i in range(leaves):
        bits[order[unused + i]] = depths[i]


@inlined
def depths_of(weights):
    """How deep each leaf lies in the Huffman tree of ascending weights; at least two leaves."""
    leaves = len(weights)
    nodes = 2 * leaves - 1
    totals = np.zeros(nodes, np.int64)
    parents = np.zeros(nodes, np.int64)
    totals[:leaves] = weights
    leaf, inner = 0, leaves
    for parent in range(leaves, nodes):
        for _ in range(2):
            if leaf < leaves and (inner == parent or totals[leaf] <= totals[inner]):
                child, leaf = leaf, leaf + 1
            else:
                child, inner = inner, inner + 1
            totals[parent] += totals[child]
            parents[child] = parent
    depths = np.zeros(nodes, np.int64)
    for node in range(nodes - 2, -1, -1):
        depths[node] = depths[parents[node]] + 1
    return depths[:leaves]
