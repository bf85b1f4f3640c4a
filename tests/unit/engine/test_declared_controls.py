"""Every algorithm reads the controls that it declares, and no others."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Options, dither
from dither_engine.algorithms import CUSTOM, CUSTOM_MATRIX, NAMES, controls_of

VALUES: dict[str, list[Any]] = {
    "serpentine": [True],
    "strength": [0.9, 0.3, 1.5],
    "seed": [1, 7],
    "angle": [15.0],
    "cell": [9.0],
    "candidates": [2, 5],
    "distance": ["srgb", "linear", "ciede2000"],
}
# Few levels, many (which patterns take channel by channel), grey, and colours that lie unevenly.
TARGETS: list[dict[str, Any]] = [
    {},
    {"channels": 8},
    {"palette": "gray", "channels": 4},
    {"palette": "pico-8"},
]
CONTROLS = {name: controls_of(name) for name in NAMES}


def picture() -> NDArray[np.uint8]:
    across = Image.linear_gradient("L").resize((48, 40))
    down = across.transpose(Image.Transpose.ROTATE_90).resize((48, 40))
    mixed = Image.blend(across, down, 0.5).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(Image.merge("RGB", (across, down, mixed)))


def dithered(options: Options) -> NDArray[np.uint8]:
    return dither(picture(), options).rgb()


@pytest.mark.parametrize("algorithm", CONTROLS)
def test_a_control_changes_the_picture_where_it_is_declared_and_only_there(algorithm: str) -> None:
    fields: dict[str, Any] = {"algorithm": algorithm}
    if algorithm == CUSTOM:
        fields["kernel"] = [[0, 0, 7], [3, 5, 1]]
    if algorithm == CUSTOM_MATRIX:
        fields["matrix"] = [[0, 2], [3, 1]]
    read = CONTROLS[algorithm]
    changes = set()
    for target in TARGETS:
        plain = Options(**fields, **target)
        before = dithered(plain)
        for control, values in VALUES.items():
            for value in values:
                options = plain.model_copy(update={control: value})
                changed = not np.array_equal(dithered(options), before)
                assert not changed or options.digest() != plain.digest(), (control, target)
                if control not in read:
                    assert options.digest() == plain.digest(), (control, target)
                elif changed:
                    changes.add(control)
    assert changes == read - {"kernel", "matrix"}
