"""The families of methods, one module each; ``work`` says what they are given.

`algorithms` names the module of each family. They are imported when first used, so that a process
loads only the kernels that it needs.
"""

import os
import pkgutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from dither_engine.algorithms import module_of
from dither_engine.work import Work

Render = Callable[[Work], NDArray[np.uint8]]


def render(work: Work) -> NDArray[np.uint8]:
    """Dither with the algorithm that the options name; see ``work`` for what comes back."""
    return _function(module_of(work.options.algorithm))(work)


def warm() -> None:
    """Compile every kernel into the cache, or find it there, on all processors.

    What the families share comes first, so that it is compiled once.
    """
    import_module("dither_engine.pipeline")
    names = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_load, names, chunksize=1):
            pass


def _load(name: str) -> None:
    import_module(name)


def _function(module: str) -> Render:
    function: Render = import_module(f"{__name__}.{module}").render
    return function
