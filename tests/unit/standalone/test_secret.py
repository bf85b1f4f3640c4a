"""The secret of `make run`: made once, kept, and nobody else's to read."""

from pathlib import Path

from standalone.secret import principal_secret


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    first = principal_secret({}, tmp_path / "data")
    assert len(first["PRINCIPAL_SECRET"]) == 64
    assert principal_secret({}, tmp_path / "data") == first
    assert principal_secret({}, tmp_path / "other") != first


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    principal_secret({}, tmp_path)
    assert (tmp_path / "principal-secret").stat().st_mode & 0o077 == 0


def test_one_that_is_configured_is_used(tmp_path: Path) -> None:
    assert principal_secret({"PRINCIPAL_SECRET": "x" * 32}, tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
