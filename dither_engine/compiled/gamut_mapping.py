"""Gamut mapping of pictures: every pixel outside the palette's hull is projected onto it.

The exact projection (`hull.project`) is far too slow for every pixel. So two grids over 8-bit codes
are filled when they are first needed:

- nodes, 15 codes apart, hold projections. Between them the projection is interpolated, and a pixel
  moves towards it until it reaches the surface (`moved`). The exact projection jumps where two
  parts of the surface are equally near, which would show as an edge in a ramp of hues. There a node
  holds the mean of the exact projections of itself and its neighbours: the jump becomes a ramp.
- cells of 4 codes hold one shift for all their colours, if all are inside (no shift), or all are
  outside. Only colours in cells that the surface cuts are moved one by one.
"""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, cached, inlined, kernel, merged
from dither_engine.compiled.hull import OUT, project
from dither_engine.light import WHITE

NODES, STEP = 18, 15  # nodes along an axis, and codes between them
EXACT = NODES**3  # in the array of nodes, their exact projections come after them
_JUMP = 4 * STEP  # codes: neighbours are up to 2 · STEP apart, their projections usually less
CELL, CELLS = 2, 64  # bits of a code within a cell, cells along an axis
_LAST = (1 << CELL) - 1
_NEAR = 3  # codes: what is mapped so near to a palette colour becomes that colour
_LANE = 21  # bits: three numbers are packed in one, each at most 255 · STEP³
_LOWEST = (1 << _LANE) - 1
_WEIGHTS = STEP**3
_HALVES = _WEIGHTS // 2 * (1 + (1 << _LANE) + (1 << (2 * _LANE)))  # rounds all three numbers
# A cell: not yet explored; cut by the surface; or three shifts, each plus _ZERO, of _SHIFT bits.
_UNKNOWN, _CUT = 0, 1
_SHIFT, _ZERO = 10, 512
_FIELD = (1 << _SHIFT) - 1
_UNMOVED = _ZERO << (2 * _SHIFT) | _ZERO << _SHIFT | _ZERO

_F8 = types.float64


@merged
def inside(planes, r, g, b):
    """Whether light (r, g, b) lies inside the hull, or less than `OUT` outside."""
    most = OUT
    for f in range(planes.shape[0]):
        most = max(most, planes[f, 0] * r + planes[f, 1] * g + planes[f, 2] * b - planes[f, 3])
    return most == OUT


@merged
def packed(r, g, b):
    return (np.int64(r) << (2 * _LANE)) | (np.int64(g) << _LANE) | np.int64(b)


@merged
def in_node(code):
    """Index of the node at or below an 8-bit code value."""
    return min(code // STEP, np.int64(NODES - 2))


@cached
def project_node(node, light, code, planes, faces, flat, linear, roots, seen, places, nodes):
    """Compute a node's exact projection; a node inside the hull is its own."""
    r = node // (NODES * NODES) * STEP
    g = node // NODES % NODES * STEP
    b = node % NODES * STEP
    if not flat and inside(planes, light[r], light[g], light[b]):
        nodes[EXACT + node] = packed(r, g, b)
        return
    p, q, s = project(light[r], light[g], light[b], faces, linear, roots, seen, places)
    nodes[EXACT + node] = packed(
        code[int(p * WHITE + 0.5)], code[int(q * WHITE + 0.5)], code[int(s * WHITE + 0.5)]
    )


@cached
def explore_node(node, light, code, planes, faces, flat, linear, roots, seen, places, nodes):
    """Compute a node: its exact projection, or, at a jump, the mean light of those around it."""
    i, j, k = node // (NODES * NODES), node // NODES % NODES, node % NODES
    r = g = b = 0.0
    low_r = low_g = low_b = np.int64(255)
    high_r = high_g = high_b = np.int64(0)
    for n in range(27):
        x = min(max(i + n // 9 - 1, 0), NODES - 1)
        y = min(max(j + n // 3 % 3 - 1, 0), NODES - 1)
        z = min(max(k + n % 3 - 1, 0), NODES - 1)
        near = (x * NODES + y) * NODES + z
        if nodes[EXACT + near] < 0:
            project_node(near, light, code, planes, faces, flat, linear, roots, seen, places, nodes)
        exact = nodes[EXACT + near]
        u, v, w = exact >> (2 * _LANE), exact >> _LANE & _LOWEST, exact & _LOWEST
        r, g, b = r + light[u], g + light[v], b + light[w]
        low_r, low_g, low_b = min(low_r, u), min(low_g, v), min(low_b, w)
        high_r, high_g, high_b = max(high_r, u), max(high_g, v), max(high_b, w)
    if max(high_r - low_r, high_g - low_g, high_b - low_b) <= _JUMP:
        nodes[node] = nodes[EXACT + node]
        return
    part = WHITE / 27
    nodes[node] = packed(
        code[int(r * part + 0.5)], code[int(g * part + 0.5)], code[int(b * part + 0.5)]
    )


@merged
def interpolated(nodes, place, r, g, b):
    """Projection at r, g, b STEPths beyond a node: codes packed in one number, times STEP³."""
    low = (STEP - b) * nodes[place] + b * nodes[place + 1]
    high = (STEP - b) * nodes[place + NODES] + b * nodes[place + NODES + 1]
    near = (STEP - g) * low + g * high
    place = place + NODES * NODES
    low = (STEP - b) * nodes[place] + b * nodes[place + 1]
    high = (STEP - b) * nodes[place + NODES] + b * nodes[place + NODES + 1]
    return (STEP - r) * near + r * ((STEP - g) * low + g * high)


@cached
def explore_nodes(r, g, b, light, code, planes, faces, flat, linear, roots, seen, places, nodes):
    """Compute the eight nodes around a colour, unless they are known."""
    i, j, k = in_node(r), in_node(g), in_node(b)
    for corner in range(8):
        node = ((i + (corner >> 2)) * NODES + j + (corner >> 1 & 1)) * NODES + k + (corner & 1)
        if nodes[node] < 0:
            explore_node(node, light, code, planes, faces, flat, linear, roots, seen, places, nodes)


@merged
def moved(r, g, b, light, code, planes, flat, nodes):
    """Codes of the point of the hull that replaces a colour outside it; its nodes are known."""
    i, j, k = in_node(r), in_node(g), in_node(b)
    total = (
        interpolated(nodes, (i * NODES + j) * NODES + k, r - STEP * i, g - STEP * j, b - STEP * k)
        + _HALVES
    )
    to_r = (total >> (2 * _LANE)) // _WEIGHTS
    to_g = (total >> _LANE & _LOWEST) // _WEIGHTS
    to_b = (total & _LOWEST) // _WEIGHTS
    p, q, s = light[r], light[g], light[b]
    u, v, w = light[to_r] - p, light[to_g] - q, light[to_b] - s
    part = 1.0 if flat else 0.0
    for f in range(0 if flat else planes.shape[0]):
        x, y, z = planes[f, 0], planes[f, 1], planes[f, 2]
        off = x * p + y * q + z * s - planes[f, 3]
        back = -(x * u + y * v + z * w)
        if off > 0.0 and off > part * back:
            part = off / max(back, off)
    return (
        np.int64(code[int((p + part * u) * WHITE + 0.5)]),
        np.int64(code[int((q + part * v) * WHITE + 0.5)]),
        np.int64(code[int((s + part * w) * WHITE + 0.5)]),
    )


@merged
def cell_of(r, g, b):
    return ((r >> CELL) * CELLS + (g >> CELL)) * CELLS + (b >> CELL)


@merged
def shifted(found, r, g, b):
    """Codes moved by the shifts of a cell."""
    return (
        r + (found >> (2 * _SHIFT)) - _ZERO,
        g + (found >> _SHIFT & _FIELD) - _ZERO,
        b + (found & _FIELD) - _ZERO,
    )


@merged
def is_one_of(colours, r, g, b):
    found = False
    for n in range(colours.shape[0]):
        found = found or (colours[n, 0] == r and colours[n, 1] == g and colours[n, 2] == b)
    return found


@inlined
def middle(low):
    """The code for which a cell's shift is computed: its middle, but 0 and 255 where it has them.

    White and pure colours fill whole areas, where even a small error beyond the hull adds up.
    """
    if low == 0:
        return low
    return low + (_LAST if low + _LAST == 255 else _LAST // 2 + 1)


@inlined
def shift_of(low, at, to):
    """The shift of a cell's codes that moves ``at`` to ``to``, limited to codes 0 to 255."""
    return min(max(to - at, -low), 255 - low - _LAST)


@merged
def near_one_of(colours, r, g, b):
    """The palette colour whose code values differ by at most `_NEAR`; else the colour itself."""
    to_r, to_g, to_b = r, g, b
    for n in range(colours.shape[0]):
        red, green, blue = np.int64(colours[n, 0]), np.int64(colours[n, 1]), np.int64(colours[n, 2])
        if max(abs(red - r), abs(green - g), abs(blue - b)) <= _NEAR:
            to_r, to_g, to_b = red, green, blue
    return to_r, to_g, to_b


@cached
def explore_cell(cell, colours, light, code, planes, faces, linear, roots, seen, places, nodes):
    """The value of a cell."""
    r = cell // (CELLS * CELLS) << CELL
    g = (cell // CELLS % CELLS) << CELL
    b = cell % CELLS << CELL
    all_inside, all_outside = True, False
    for f in range(planes.shape[0]):
        x, y, z = planes[f, 0], planes[f, 1], planes[f, 2]
        least = x * light[r + _LAST * (x < 0.0)] + y * light[g + _LAST * (y < 0.0)]
        least += z * light[b + _LAST * (z < 0.0)] - planes[f, 3]
        most = x * light[r + _LAST * (x > 0.0)] + y * light[g + _LAST * (y > 0.0)]
        most += z * light[b + _LAST * (z > 0.0)] - planes[f, 3]
        all_inside = all_inside and most <= OUT
        all_outside = all_outside or least > OUT
    if all_inside:
        return np.int32(_UNMOVED)
    if not all_outside:
        return np.int32(_CUT)
    at_r, at_g, at_b = middle(r), middle(g), middle(b)
    explore_nodes(
        at_r,
        at_g,
        at_b,
        light,
        code,
        planes,
        faces,
        False,
        linear,
        roots,
        seen,
        places,
        nodes,
    )
    to_r, to_g, to_b = moved(at_r, at_g, at_b, light, code, planes, False, nodes)
    to_r, to_g, to_b = near_one_of(colours, to_r, to_g, to_b)
    dr = shift_of(r, at_r, to_r)
    dg = shift_of(g, at_g, to_g)
    db = shift_of(b, at_b, to_b)
    shifts = (dr + _ZERO) << (2 * _SHIFT) | (dg + _ZERO) << _SHIFT | (db + _ZERO)
    return np.int32(shifts)


@kernel(
    array_in(types.uint8, 3),
    array_in(types.uint8, 1),
    array_in(_F8, 1),
    array_in(types.uint8, 1),
    array_in(types.uint8, 2),
    array_in(_F8, 2),
    array_in(_F8, 3),
    types.boolean,
    array_in(_F8, 1),
    array_in(_F8, 1),
    array_in(_F8, 2),
    array_in(_F8, 2),
    array_out(types.int64, 1),
    array_out(types.int32, 1),
    array_out(types.uint8, 3),
)
def fit_rows(
    pixels,
    adjusted,
    light,
    code,
    colours,
    planes,
    faces,
    flat,
    linear,
    roots,
    seen,
    places,
    nodes,
    cells,
    out,
):
    """Move every pixel outside the hull onto it; pixels are uint8 codes.

    Greys between two greys of the palette stay unchanged, and colours of a palette whose hull is
    flat. adjusted: each code value after the tone controls, ``uint8 (256,)``. light: of each code
    value, 0 to 1. nodes: -1 where not yet computed, ``int64 (2 · NODES³,)``. cells: 0 where not yet
    explored, ``int32 (CELLS³,)``.
    """
    darkest, lightest = np.int64(256), np.int64(-1)
    for i in range(colours.shape[0]):
        if colours[i, 0] == colours[i, 1] and colours[i, 1] == colours[i, 2]:
            darkest = min(darkest, np.int64(colours[i, 0]))
            lightest = max(lightest, np.int64(colours[i, 0]))
    rest = np.zeros(pixels.shape[1], np.int64)  # of a row: pixels that have no shift from a cell
    known = np.zeros(EXACT, np.bool_)  # whether all eight nodes around are known
    for y in range(pixels.shape[0]):
        count = 0
        for x in range(pixels.shape[1]):
            r = np.int64(adjusted[pixels[y, x, 0]])
            g = np.int64(adjusted[pixels[y, x, 1]])
            b = np.int64(adjusted[pixels[y, x, 2]])
            found = np.int64(cells[cell_of(r, g, b)])
            if found <= _CUT:
                rest[count] = x
                count += 1
            else:
                r, g, b = shifted(found, r, g, b)
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = r, g, b
        for n in range(count):
            r = np.int64(adjusted[pixels[y, rest[n], 0]])
            g = np.int64(adjusted[pixels[y, rest[n], 1]])
            b = np.int64(adjusted[pixels[y, rest[n], 2]])
            cell = cell_of(r, g, b)
            if cells[cell] == _UNKNOWN and flat:
                cells[cell] = _CUT
            elif cells[cell] == _UNKNOWN:
                cells[cell] = explore_cell(
                    cell, colours, light, code, planes, faces, linear, roots, seen, places, nodes
                )
            node = (in_node(r) * NODES + in_node(g)) * NODES + in_node(b)
            if cells[cell] == _CUT and not known[node]:
                explore_nodes(
                    r, g, b, light, code, planes, faces, flat, linear, roots, seen, places, nodes
                )
                known[node] = True
        for n in range(count):
            x = rest[n]
            r = np.int64(adjusted[pixels[y, x, 0]])
            g = np.int64(adjusted[pixels[y, x, 1]])
            b = np.int64(adjusted[pixels[y, x, 2]])
            found = np.int64(cells[cell_of(r, g, b)])
            if found != _CUT:
                r, g, b = shifted(found, r, g, b)
            elif not (
                (r == g and g == b and darkest <= r <= lightest)
                or (flat and is_one_of(colours, r, g, b))
                or (not flat and inside(planes, light[r], light[g], light[b]))
            ):
                r, g, b = moved(r, g, b, light, code, planes, flat, nodes)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = r, g, b
