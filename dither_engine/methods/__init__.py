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

import numpy as np
from numpy.typing import NDArray

from dither_engine import compiled  # chooses the processor before Numba is imported
from dither_engine.algorithms import module_of
from dither_engine.compiled.decorators import Kernel
from dither_engine.work import Work

Render = Callable[[Work], NDArray[np.uint8]]


def render(work: Work) -> NDArray[np.uint8]:
    """Dither with the algorithm that the options name; see ``work`` for what comes back."""
    return _function(module_of(work.options.algorithm))(work)


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


def _function(module: str) -> Render:
    function: Render = import_module(f"{__name__}.{module}").render
    return function
