"""Pictures for tests, made on the spot."""

import io
from functools import cache

import numpy as np
from PIL import Image


@cache
def photograph(width: int = 640, height: int = 480, *, file_format: str = "JPEG") -> bytes:
    """A colourful picture with gradients, edges and a little noise, as a file's bytes."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).normal(0, 6, (height, width, 3))
    waves = np.stack(
        [
            255 * x / max(1, width - 1),
            255 * y / max(1, height - 1),
            128 + 127 * np.sin((x + y) / 40),
        ],
        axis=-1,
    )
    waves[height // 4 : height // 2, width // 4 : width // 2] = (220, 60, 40)
    picture = Image.fromarray(np.clip(waves + noise, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    picture.save(file, file_format)
    return file.getvalue()
