"""Which file becomes which, and how a file is written: nothing is lost that was there."""

import os
import stat
import threading
from pathlib import Path

import pytest

from dither_engine.batch import Job, plan
from dither_engine.errors import EngineError


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "photo.png"
    path.write_bytes(b"the original")
    return path


@pytest.mark.parametrize(
    "output", [".", "./", "../{name}/", "photo.png", "./photo.png", "link.png"]
)
def test_an_input_is_never_overwritten(photo: Path, output: str) -> None:
    Path("link.png").symlink_to(photo)
    with pytest.raises(EngineError, match=r"^photo\.png would be overwritten: name another output"):
        plan(["photo.png"], output.format(name=photo.parent.name), "png")


def test_nor_is_the_input_of_another_job(photo: Path) -> None:
    Path("in").mkdir()
    Path("in/other.jpg").write_bytes(b"another")
    Path("other.png").hardlink_to(photo)
    with pytest.raises(EngineError, match=r"^photo\.png would be overwritten"):
        plan(["in/other.jpg", "photo.png"], ".", "png")
    assert [job.output for job in plan(["in/other.jpg", "photo.png"], ".", "gif")] == [
        "other.gif",
        "photo.gif",
    ]


def test_what_is_no_file_may_be_read_and_written(photo: Path) -> None:
    assert plan(["/dev/null"], "/dev/null", "png") == [Job("/dev/null", "/dev/null")]
    assert plan(["missing.png"], "missing.png", "png") == [Job("missing.png", "missing.png")]


@pytest.mark.parametrize("there", [True, False])
def test_two_inputs_do_not_become_one_file_through_a_link(photo: Path, there: bool) -> None:
    out = Path("out")
    out.mkdir()
    (out / "b.gif").symlink_to("a.gif")
    if there:
        (out / "a.gif").write_bytes(b"old")
    with pytest.raises(EngineError, match=r"^a\.png and b\.png would both become out/b\.gif\.$"):
        plan(["a.png", "b.png"], "out", "gif")


def test_several_images_do_not_go_into_a_file(photo: Path) -> None:
    with pytest.raises(EngineError, match=r"^photo\.png is no directory"):
        plan(["a.png", "b.png"], "photo.png", "png")
    with pytest.raises(EngineError, match=r"^photo\.png/ is no directory"):
        plan(["a.png"], "photo.png/", "png")


def test_a_link_stays_and_what_it_leads_to_is_replaced(photo: Path) -> None:
    for link, target in (("here.png", photo), ("nowhere.png", photo.parent / "new.png")):
        Path(link).symlink_to(target)
        Job("in.png", link).write(b"new")
        assert Path(link).is_symlink()
        assert target.read_bytes() == b"new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_files_mode_is_kept(photo: Path, mode: int) -> None:
    photo.chmod(mode)
    Job("in.png", str(photo)).write(b"new")
    assert photo.read_bytes() == b"new"
    assert stat.S_IMODE(photo.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_new_files_have(photo: Path) -> None:
    Path("plain").touch()
    Job("in.png", "out/new.png").write(b"new")
    assert Path("out/new.png").stat().st_mode == Path("plain").stat().st_mode


@pytest.mark.parametrize("name", ["pipe", "link"])
def test_what_is_no_file_is_written_to_and_stays(photo: Path, name: str) -> None:
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(Path(name).read_bytes()), daemon=True)
    reader.start()
    Job("in.png", name).write(b"new")
    reader.join(10)
    assert read == [b"new"]
    assert Path(name).is_fifo()


def test_names_that_cannot_be_are_told(photo: Path) -> None:
    name = "n" * 300
    assert plan([name], name, "png") == [Job(name, name)]
    with pytest.raises(EngineError, match=r"nn cannot be written: File name too long\.$"):
        Job("in.png", name).write(b"new")


def test_a_long_name_is_written_too(photo: Path) -> None:
    name = "n" * 251 + ".png"
    Job("in.png", name).write(b"new")
    assert Path(name).read_bytes() == b"new"


def test_the_umask_is_left_alone(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[int] = []
    monkeypatch.setattr(os, "umask", changes.append)
    Job("in.png", "new.png").write(b"new")
    assert changes == []


def test_a_file_that_may_not_be_written_is_not_replaced(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo.chmod(0o444)
    if os.geteuid() == 0:  # who may write everything
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(EngineError, match=r"photo\.png cannot be written: Permission denied"):
        Job("in.png", str(photo)).write(b"new")
    assert photo.read_bytes() == b"the original"
