"""Error diffusion with fixed weights (draft arithmetic; see the kernels' table)."""

import numpy as np
from numba import types

from dither_service.engine.compiled import array_in, array_out, kernel
from dither_service.engine.nearest import nearest
from dither_service.engine.nearest import oklab as _oklab

I2, I4, U1, F8 = types.int16, types.int32, types.uint8, types.float64


@kernel(
    array_in(U1, 3),
    array_in(U1, 2),
    array_in(I2, 1),
    array_in(U1, 1),
    array_in(I4, 1),
    array_in(I4, 2),
    I4,
    types.boolean,
    I4,
    array_out(U1, 3),
)
def diffuse_levels(image, alpha, light, choice, levels, taps, rest, serpentine, strength, out):
    height, width, depth = image.shape
    pad = 8
    rows = 0
    for t in range(taps.shape[0]):
        rows = max(rows, taps[t, 1])
    ring = np.zeros((rows + 1, width + 2 * pad, depth), np.int32)
    masked = alpha.shape[0] > 0
    for y in range(height):
        here = y % (rows + 1)
        back = serpentine and y % 2 == 1
        step = -1 if back else 1
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and alpha[y, x] == 0:
                for c in range(depth):
                    out[y, x, c] = 0
                continue
            for c in range(depth):
                v = light[image[y, x, c]] + ring[here, x + pad, c]
                k = choice[min(max(v, 0), 8192)]
                out[y, x, c] = k
                e = (np.int64(v - levels[k]) * strength) >> 16
                left = e
                for t in range(taps.shape[0]):
                    if t != rest:
                        part = (e * taps[t, 2]) >> 16
                        left -= part
                        ring[(y + taps[t, 1]) % (rows + 1), x + pad + step * taps[t, 0], c] += part
                if rest >= 0:
                    t = rest
                    ring[(y + taps[t, 1]) % (rows + 1), x + pad + step * taps[t, 0], c] += left
        ring[here] = 0


@kernel(
    array_in(U1, 3),
    array_in(U1, 2),
    array_in(I2, 1),
    array_in(U1, 1),
    array_in(I4, 2),
    array_in(F8, 1),
    array_in(F8, 2),
    I4,
    array_in(I4, 2),
    I4,
    types.boolean,
    I4,
    array_out(U1, 2),
)
def diffuse_palette(
    image,
    alpha,
    light,
    codes,
    colours,
    linear,
    points,
    metric,
    taps,
    rest,
    serpentine,
    strength,
    out,
):
    height, width, depth = image.shape
    pad = 8
    rows = 0
    for t in range(taps.shape[0]):
        rows = max(rows, taps[t, 1])
    ring = np.zeros((rows + 1, width + 2 * pad, 3), np.int32)
    value = np.zeros(3, np.int32)
    masked = alpha.shape[0] > 0
    for y in range(height):
        here = y % (rows + 1)
        back = serpentine and y % 2 == 1
        step = -1 if back else 1
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and alpha[y, x] == 0:
                out[y, x] = 0
                continue
            for c in range(3):
                v = light[image[y, x, c]] + ring[here, x + pad, c]
                value[c] = min(max(v, -8192), 16384)
            k = nearest(
                codes[min(max(value[0], 0), 8192)],
                codes[min(max(value[1], 0), 8192)],
                codes[min(max(value[2], 0), 8192)],
                linear,
                points,
                metric,
            )
            out[y, x] = k
            for c in range(3):
                e = (np.int64(value[c] - colours[k, c]) * strength) >> 16
                left = e
                for t in range(taps.shape[0]):
                    if t != rest:
                        part = (e * taps[t, 2]) >> 16
                        left -= part
                        ring[(y + taps[t, 1]) % (rows + 1), x + pad + step * taps[t, 0], c] += part
                if rest >= 0:
                    t = rest
                    ring[(y + taps[t, 1]) % (rows + 1), x + pad + step * taps[t, 0], c] += left
        ring[here] = 0


@kernel(array_in(F8, 2), array_out(F8, 2))
def oklab_points(linear, points):
    from_linear = linear
    for i in range(linear.shape[0]):
        x, y, z = _oklab(from_linear[i, 0], from_linear[i, 1], from_linear[i, 2])
        points[i, 0] = x
        points[i, 1] = y
        points[i, 2] = z
