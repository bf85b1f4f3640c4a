"""Binary alpha: every pixel becomes transparent or opaque."""

import numpy as np
from numpy.typing import NDArray

from dither_engine.light import light_of_code
from dither_engine.methods import renderer
from dither_engine.options import Options
from dither_engine.targets import levels
from dither_engine.work import NO_MASK, Work

_OPAQUE = 255


def opaque_or_not(mask: NDArray[np.uint8], options: Options) -> NDArray[np.uint8]:
    """Alpha, ``uint8 (H, W)`` → the same with 0 and 255 only, or `NO_MASK` if all is opaque.

    ``alpha=threshold`` cuts at ``alpha_level``; ``alpha=dither`` dithers alpha by the algorithm of
    the options. Fully transparent and fully opaque pixels stay so.
    """
    by_threshold = options.alpha == "threshold"
    opaque = mask >= options.alpha_level if by_threshold else _dithered(mask, options)
    return NO_MASK if opaque.all() else np.where(opaque, _OPAQUE, 0).astype(np.uint8)


def _dithered(mask: NDArray[np.uint8], options: Options) -> NDArray[np.bool_]:
    plain = options.model_copy(update={"light": "srgb", "palette": "gray", "channels": 2})
    work = Work(mask[..., None], mask, light_of_code("srgb"), levels(2, "srgb"), plain)
    found: NDArray[np.bool_] = renderer(work)(work).reshape(mask.shape) > 0
    opaque: NDArray[np.bool_] = (found & (mask > 0)) | (mask == _OPAQUE)
    return opaque
