"""A display's memory as the source text of a C array, for a program of a microcontroller."""

import numpy as np

_A_LINE = 16  # bytes
_TEXTS = np.array([list(f"0x{byte:02x}, ".encode()) for byte in range(256)], np.uint8)
_HEADER = """\
// {width} x {height} pixels. {layout}
#pragma once
#include <stdint.h>
#if defined(__AVR__)
#include <avr/pgmspace.h>
#elif !defined(PROGMEM)
#define PROGMEM
#endif

#define IMAGE_WIDTH {width}
#define IMAGE_HEIGHT {height}

static const uint8_t image[{count}] PROGMEM = {{
"""


def c_array(data: bytes, width: int, height: int, layout: str) -> bytes:
    """A header file with the array ``image``. layout: a sentence for the comment on its top."""
    head = _HEADER.format(width=width, height=height, layout=layout, count=len(data))
    texts = _TEXTS[np.frombuffer(data, np.uint8)].reshape(-1).tobytes().decode()
    step = _A_LINE * _TEXTS.shape[1]
    lines = [texts[at : at + step].rstrip() for at in range(0, len(texts), step)]
    return (head + "\n".join(lines) + "\n};\n").encode()
