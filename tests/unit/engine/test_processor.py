"""Which processor kernels are compiled for."""

import os
import subprocess
import sys

import pytest

from dither_engine.compiled.processor import target

HASWELL = dict.fromkeys(("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"), True)


@pytest.mark.parametrize("machine", ["x86_64", "AMD64"])
def test_newer_processors_share_one_target_whatever_else_they_have(machine: str) -> None:
    assert target(machine, HASWELL | {"avx512f": True}) == ("x86-64-v3", "+avx2")


@pytest.mark.parametrize("missing", HASWELL)
def test_without_one_of_its_instructions_the_target_is_plain(missing: str) -> None:
    assert target("x86_64", HASWELL | {missing: False}) == ("x86-64", "")


def test_other_architectures_get_their_plainest_processor() -> None:
    assert target("aarch64", {"neon": True}) == ("generic", "")


def _name(code: str, **chosen: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    code += "; from numba.core import config; print(config.CPU_NAME)"
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=kept | chosen, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def test_every_way_in_chooses_before_numba_compiles() -> None:
    known = {"x86-64-v3", "x86-64", "generic"}
    assert _name("import dither_engine.pipeline") in known
    assert _name("import dither_engine.methods.diffusion") in known
    assert _name("import numba, dither_engine.compiled.search") in known


def test_a_users_own_choice_stands() -> None:
    assert _name("import dither_engine.pipeline", NUMBA_CPU_NAME="generic") == "generic"
