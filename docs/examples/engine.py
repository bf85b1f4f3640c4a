"""The engine by examples: python docs/examples/engine.py [PICTURE] [DIRECTORY]

Writes what it makes into DIRECTORY (default: examples-out). Without PICTURE it draws one.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from dither_engine import EngineError, Options, catalogue, dither, dither_bytes


def main(picture: Path | None, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    image = Image.open(picture).convert("RGB") if picture else Image.fromarray(gradient())

    # One call on an image: black and white by Floyd-Steinberg, mixed in linear light.
    dither(image, Options(palette="gray")).to_pillow().save(directory / "black-and-white.png")

    # A named palette and another algorithm.
    options = Options(algorithm="atkinson", palette="gameboy", serpentine=True)
    dither(image, options).to_pillow().save(directory / "gameboy.png")

    # Colours of your own; the panel of an e-paper display takes the positions in the palette.
    inks = ["#000000", "#ffffff", "#ff0000"]
    result = dither(image, Options(palette=inks, algorithm="blue-noise"))
    (directory / "e-paper.raw").write_bytes(result.indices.tobytes())
    assert result.indices.shape == (image.height, image.width)
    assert result.palette.tolist() == [[0, 0, 0], [255, 255, 255], [255, 0, 0]]

    # An array: three dots of error diffusion's most famous kernel, written by hand.
    kernel = [[0, 0, 7], [3, 5, 1]]
    custom = dither(np.asarray(image), Options(algorithm="custom", kernel=kernel, channels=3))
    custom.to_pillow().save(directory / "custom-kernel.png")

    # A file's bytes become a file's bytes; limits protect a server from what users send.
    data = (directory / "black-and-white.png").read_bytes()
    made = dither_bytes(data, Options(format="gif", scale=2), max_pixels=10_000_000)
    (directory / f"twice-as-large.{made.extension}").write_bytes(made.data)

    # Whatever cannot be done is an EngineError with a sentence for the person who asked.
    try:
        Options(palette="no such palette")
    except EngineError as error:
        print(f"refused: {error}")

    # What can be chosen, as data: for menus and documentation.
    print(f"algorithms: {', '.join(entry['name'] for entry in catalogue()['algorithms'])}")


def gradient() -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Hues from left to right, dark to light from top to bottom: ``uint8 (240, 320, 3)``."""
    y, x = np.mgrid[0:240, 0:320]
    phases = np.array([0, 2, 4]) * np.pi / 3
    hues = 0.5 + 0.5 * np.cos(x[..., None] / 320 * 2 * np.pi - phases)
    return np.asarray(hues * (y[..., None] / 240) * 255, dtype=np.uint8)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]) if given else None, Path(given[1] if len(given) > 1 else "examples-out"))
