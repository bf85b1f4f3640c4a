"""What is compiled by Numba, and how."""

from dither_engine.compiled.processor import choose

choose()
