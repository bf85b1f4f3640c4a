"""Whether the engine's kernels have to be compiled before the services can answer in time."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from standalone import kernels
from standalone.kernels import Kernels


class Compiler:
    """A process that ends when it is told how."""

    status: int | None = None

    def poll(self) -> int | None:
        return self.status


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Compiler]:
    """The compilers that were started; the cache is an empty directory."""
    compilers: list[Compiler] = []

    def compile_all(_: ExitStack) -> Compiler:
        compilers.append(Compiler())
        return compilers[-1]

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kernels, "_compile", compile_all)
    return compilers


def test_what_was_compiled_is_not_looked_at_again(started: list[Compiler]) -> None:
    first = Kernels(ExitStack())
    assert not first.ready()
    started[0].status = 0
    assert first.ready()
    assert Kernels(ExitStack()).ready()
    assert len(started) == 1


def test_a_failure_is_not_waited_for_and_not_remembered(started: list[Compiler]) -> None:
    first = Kernels(ExitStack())
    started[0].status = 1
    assert first.ready()
    assert not Kernels(ExitStack()).ready()


@pytest.mark.parametrize("changed", ["a source", "the machine", "the cache"])
def test_what_a_cache_depends_on_compiles_again(
    started: list[Compiler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    engine = tmp_path / "engine"
    engine.mkdir()
    source = engine / "kernel.py"
    source.write_text("1")
    monkeypatch.setattr(kernels, "_ENGINE", engine)
    first = Kernels(ExitStack())
    started[0].status = 0
    assert first.ready()
    if changed == "a source":
        source.write_text("12")
    elif changed == "the machine":
        monkeypatch.setattr("platform.node", lambda: "another")
    else:
        (tmp_path / "all_compiled").unlink()
    assert not Kernels(ExitStack()).ready()
