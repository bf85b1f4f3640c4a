"""The families of methods, one module each; ``work`` says what they are given.

`algorithms` names the module of each family. They are imported when first used, so that a process
loads only the kernels that it needs.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from dither_service.engine.algorithms import module_of
from dither_service.engine.work import Work

Render = Callable[[Work], NDArray[np.uint8]]


def render(work: Work) -> NDArray[np.uint8]:
    """Dither with the algorithm that the options name; see ``work`` for what comes back."""
    return _function(module_of(work.options.algorithm))(work)


def load_all() -> None:
    """Import every family, which compiles its kernels or loads them from the cache."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")


def _function(module: str) -> Render:
    function: Render = import_module(f"{__name__}.{module}").render
    return function
