"""The families of methods, one module each; ``work`` says what they are given.

`algorithms` names the module of each family. They are imported when first used, so that a process
loads only the kernels that it needs.
"""

import os
import pkgutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from dither_engine import compiled  # chooses the processor before Numba is imported
from dither_engine.algorithms import module_of
from dither_engine.compiled.decorators import Kernel
from dither_engine.work import Levels, Palette, Work

Render = Callable[[Work], NDArray[np.uint8]]

PIECE = 128  # rows; of most pictures they fit the second cache


def in_pieces(algorithm: str, target: Levels | Palette) -> bool:
    """Whether `renderer` can be given a picture piece by piece, from the top down.

    A family that can has, beside ``render``, a function ``piecewise`` that is as `renderer` is, and
    says for which targets by ``PIECEWISE``.
    """
    return isinstance(target, getattr(_module(algorithm), "PIECEWISE", ()))


def renderer(work: Work) -> Render:
    """What dithers with the algorithm that the options name; see ``work`` for what it returns.

    It is to be given ``work`` and, if that is the first of a picture's pieces, the others after it.
    All but the last are `PIECE` rows high.
    """
    module = _module(work.options.algorithm)
    pieces = in_pieces(work.options.algorithm, work.target)
    function: Render = module.piecewise(work) if pieces else module.render
    return function


def warm() -> None:
    """Compile every kernel into the cache, or find it there, on all processors.

    What kernels of several modules call comes first, so that it is compiled once.
    """
    _load("dither_engine.methods.nearest")
    names = sorted(
        module.name
        for package in (compiled, sys.modules[__name__])
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    )
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_load, names, chunksize=1):
            pass


def _load(name: str) -> None:
    for value in vars(import_module(name)).values():
        if isinstance(value, Kernel) and value.function.__module__ == name:
            _ = value.compiled


def _module(algorithm: str) -> ModuleType:
    return import_module(f"{__name__}.{module_of(algorithm)}")
