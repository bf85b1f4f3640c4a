"""The families of methods, one module each; ``work`` says what they are given.

`algorithms` names the module of each family. They are imported when first used, so that a process
loads only the kernels that it needs.
"""

import os
import pkgutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from dither_engine.algorithms import module_of
from dither_engine.gamut import gamut_of
from dither_engine.light import code_of_light, light_of_code
from dither_engine.methods.neutral import greys_apart
from dither_engine.work import Palette, Work

_EACH_BY_ITSELF = {"ordered", "patterns", "nearest"}
Render = Callable[[Work], NDArray[np.uint8]]


def render(work: Work) -> NDArray[np.uint8]:
    """Dither with the algorithm that the options name; see ``work`` for what comes back.

    By the default distance, colours out of the palette's reach are first brought into it.
    """
    module = module_of(work.options.algorithm)
    if isinstance(work.target, Palette) and work.options.distance == "oklab":
        work = _within_reach(work, work.target)
    return (
        greys_apart(work, _function(module))
        if module in _EACH_BY_ITSELF
        else _function(module)(work)
    )


def _within_reach(work: Work, target: Palette) -> Work:
    light = work.options.light
    gamut = gamut_of(target.colours, light)
    if gamut is None:
        return work
    pixels = work.pixels
    if not np.array_equal(work.light, light_of_code(light)):
        pixels = np.take(code_of_light(light)[work.light], pixels)
    return replace(work, pixels=gamut.fit(pixels), light=light_of_code(light))


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
