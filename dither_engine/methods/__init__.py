"""The families of methods, one module each; ``work`` describes their input.

`algorithms` names the module of each family. They are imported when first used, so that a process
loads only the kernels that it needs.
"""

import os
import pkgutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from types import ModuleType

from dither_engine import compiled  # chooses the processor before Numba is imported
from dither_engine.algorithms import module_of
from dither_engine.compiled.decorators import Kernel
from dither_engine.gamut import gamut_of
from dither_engine.light import light_of_code
from dither_engine.methods.neutral import greys_apart
from dither_engine.work import Levels, Palette, Render, Work

PIECE = 128  # rows; for most pictures they fit the L2 cache
_EACH_BY_ITSELF = {"ordered", "patterns", "nearest"}


def in_pieces(algorithm: str, target: Levels | Palette) -> bool:
    """Whether the algorithm can dither a picture piece by piece, from the top down.

    A family that can do so has, beside ``render``, a function ``piecewise`` with the signature of
    `renderer`, and ``PIECEWISE`` lists the targets for which it works.
    """
    return isinstance(target, getattr(_module(algorithm), "PIECEWISE", ()))


def in_place(algorithm: str, target: Levels | Palette) -> bool:
    """Whether the algorithm reads pixels with gaps between them, for targets in ``IN_PLACE``."""
    return isinstance(target, getattr(_module(algorithm), "IN_PLACE", ()))


def renderer(work: Work) -> Render:
    """The function that dithers with the algorithm in the options; ``work`` says what it returns.

    Call it with ``work`` and, if that is the first piece of a picture, with the other pieces in
    order. All pieces but the last are `PIECE` rows high. With the default distance, colours outside
    the palette's gamut are first projected onto it.
    """
    if isinstance(work.target, Palette) and work.options.distance == "oklab":
        return _within_reach(work, work.target)
    return _by_module(work)


def _within_reach(work: Work, target: Palette) -> Render:
    gamut = gamut_of(target.colours, work.options.light)
    if gamut is None:
        return _by_module(work)
    light = light_of_code(work.options.light)
    render = _by_module(replace(work, light=light))
    return lambda work: render(
        replace(work, pixels=gamut.fit(work.pixels, work.light), light=light)
    )


def _by_module(work: Work) -> Render:
    each_by_itself = module_of(work.options.algorithm) in _EACH_BY_ITSELF
    return greys_apart(work, _function) if each_by_itself else _function(work)


def _function(work: Work) -> Render:
    module = _module(work.options.algorithm)
    pieces = in_pieces(work.options.algorithm, work.target)
    function: Render = module.piecewise(work) if pieces else module.render
    return function


def warm() -> None:
    """Compile every kernel into the cache, unless it is there already, on all processors.

    Functions that kernels of several modules call come first, so that they are compiled once.
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
