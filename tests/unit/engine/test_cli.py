"""The command line: files, directories, streams, lists, and whole files or none."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dither_engine import Options, dither, dither_bytes
from dither_engine.algorithms import ALGORITHMS
from dither_engine.batch import Job
from dither_engine.cli import main
from dither_engine.errors import EngineError
from dither_engine.palettes import NAMED
from dither_engine.panels import panels
from dither_engine.sheet import SIDE


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.linear_gradient("L").resize((60, 40)).convert("RGB").save(path)
    return path


def test_one_file_becomes_another_in_the_format_of_its_ending(photo: Path, tmp_path: Path) -> None:
    for ending, form in (("png", "PNG"), ("gif", "GIF"), ("webp", "WEBP")):
        out = tmp_path / f"out.{ending}"
        assert main([str(photo), "-o", str(out), "--palette", "gameboy", "--serpentine"]) == 0
        with Image.open(out) as image:
            assert image.format == form
            expected = dither(Image.open(photo), Options(palette="gameboy", serpentine=True)).rgb()
            assert np.array_equal(np.asarray(image.convert("RGB")), expected)


def test_flags_have_hyphens_where_options_have_underscores(tmp_path: Path) -> None:
    soft = tmp_path / "soft.png"
    gradient = Image.linear_gradient("L").resize((16, 16))
    Image.merge("LA", (gradient, gradient)).save(soft)
    out = tmp_path / "out.png"
    flags = ["--palette", "pico-8", "--alpha", "threshold", "--alpha-level", "200"]
    assert main([str(soft), "-o", str(out), *flags]) == 0
    wanted = Options(palette="pico-8", alpha="threshold", alpha_level=200)
    with Image.open(out) as image, Image.open(soft) as original:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        expected = dither(original, wanted).alpha
        assert expected is not None
        assert np.array_equal(alpha, expected)


def test_it_says_what_a_look_has_chosen_as_it_is_typed(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looked, typed = tmp_path / "looked.png", tmp_path / "typed.png"
    assert main([str(photo), "-o", str(looked), "--palette", "spectra-6", "--auto", "vivid"]) == 0
    name, _, chosen = capsys.readouterr().err.rstrip().rpartition(": ")
    assert name == str(photo)
    assert "--saturation 1.25" in chosen
    flags = ["--palette", "spectra-6", *chosen.split()]
    assert main([str(photo), "-o", str(typed), *flags]) == 0
    assert capsys.readouterr().err == ""
    assert typed.read_bytes() == looked.read_bytes()


def test_several_files_go_to_a_directory_and_a_bad_one_stops_no_other(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    missing = tmp_path / "missing.png"
    other = tmp_path / "other.png"
    Image.new("L", (9, 9), 100).save(other)
    out = tmp_path / "out"
    names = [str(path) for path in (photo, bad, missing, other)]
    assert main([*names, "-o", str(out), "--format", "gif"]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["other.gif", "photo.gif"]
    errors = capsys.readouterr().err
    assert "bad.png: This is no image" in errors
    assert "missing.png: It cannot be read: No such file" in errors


def test_two_files_that_would_become_one_are_refused_before_any_work(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "photo.png"
    Image.new("L", (3, 3)).save(twin)
    with pytest.raises(SystemExit) as caught:
        main([str(photo), str(twin), "-o", str(tmp_path / "out")])
    assert caught.value.code == 2
    assert "would both become" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_standard_input_to_standard_output(photo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dither_engine", "-", "-o", "-", "--channels", "4"],
        input=photo.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    image = Image.open(io.BytesIO(done.stdout))
    assert (image.format, image.size) == ("PNG", (60, 40))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "at least one input"),
        (["x.png"], "the output"),
        (["x.png", "-o", "y.png", "--algorithm", "nothing"], "There is no algorithm"),
        (["x.png", "-o", "y.png", "--kernel", "[[", "--algorithm", "custom"], "JSON"),
        (["x.png", "-o", "y.png", "--matrix", "[[0, 2], [3, 1]]"], "goes with --algorithm custom-"),
        (["x.png", "-o", "y.png", "--matrix", "0 2"], "A matrix is written as JSON: [[0, 2], [3"),
        (["x.png", "-o", "y.png", "--channels", "5,6"], "or three, as 5,6,5"),
        (
            ["x.png", "-o", "y.png", "--kernel", "[[0, 0, 1]]"],
            "A kernel goes with --algorithm custom",
        ),
        (["x.png", "-o", "y.jpg"], "y.jpg does not say a format: end it in .png, .gif, .webp, "),
        (["x.png", "-o", "photo_v1.5"], "photo_v1.5 does not say a format: end it in .png, .gif"),
        (
            ["x.png", "-o", "y.png", "--format", "jpg"],
            "format is one of png, gif, webp, png-grey, bmp, raw, c-array.",
        ),
        (["x.png", "-o", "y.bin", "--panel", "waveshare"], "There is no panel 'waveshare'"),
        (["x.png", "-o", "y.png", "--channels", "1"], "channels is a whole number from 2 to 256."),
        (["x.png", "-o", "y.png", "--strength", "much"], "strength is a number from 0 to 2."),
        (["x.png", "-o", "y.png", "--max-pixels", "0"], "above 0"),
        (["x.png", "-o", "y.png", "--algoritm", "none"], "--algoritm"),
        (["x.png", "y.png", "-o", "-"], "directory"),
        (["x.png", "y.png", "-o", "out", "--contact-sheet"], "one image"),
    ],
)
def test_wrong_commands_are_told_in_a_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1


def test_the_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"o2x2 +Dispersed dots, 5 tones: map 2 of Cloudinary's", out)
    words = [line.split()[0] for line in out.splitlines() if line]
    assert {
        *ALGORITHMS,
        *NAMED,
        "custom",
        "custom-matrix",
        "channels",
        "gray",
        "adaptive:n",
    } <= set(words)


def test_the_help_says_what_every_option_may_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "as older programs do. One of linear, srgb. Default: linear." in text
    assert "for all others it is 1. A number from 0 to 2. Default: 1.0." in text
    assert "How the colours are mixed. See --list. Default: floyd-steinberg." in text


def test_a_contact_sheet_of_what_is_no_image_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    assert main([str(bad), "-o", str(tmp_path / "sheet.png"), "--contact-sheet"]) == 1
    assert "bad.png: This is no image" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.png"]


def test_a_directory_may_have_a_dot_in_its_name(photo: Path, tmp_path: Path) -> None:
    assert main([str(photo), "-o", f"{tmp_path}/out.v2/"]) == 0
    assert (tmp_path / "out.v2" / "photo.png").exists()


@pytest.mark.parametrize("arguments", [["{photo}", "-o", "-"], ["--list"]])
def test_a_reader_that_leaves_is_no_error_of_ours(photo: Path, arguments: list[str]) -> None:
    given = [argument.format(photo=photo) for argument in arguments]
    command = [sys.executable, "-m", "dither_engine", *given]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("arguments", [["{photo}", "-o", "-"], ["--list"]])
def test_a_full_standard_output_is_told_in_a_line(photo: Path, arguments: list[str]) -> None:
    given = [argument.format(photo=photo) for argument in arguments]
    command = [sys.executable, "-m", "dither_engine", *given]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(b"Standard output cannot be written: No space left on device.\n")
    assert done.stderr.count(b"\n") == 1


def test_a_terminal_of_few_letters_gets_the_list_too() -> None:
    command = [sys.executable, "-m", "dither_engine", "--list"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b"floyd-steinberg" in done.stdout
    assert done.stdout.isascii()


def test_progress_is_drawn_on_a_terminal_only(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    twin, bad = tmp_path / "twin.png", tmp_path / "bad.png"
    Image.new("L", (3, 3)).save(twin)
    bad.write_bytes(b"no image")
    command = [str(photo), str(twin), str(bad), "-o", str(tmp_path / "out")]
    assert main(command) == 1
    assert "[" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main([*command, "--force"]) == 1
    drawn = capsys.readouterr().err
    assert f"\r[{'.' * 30}] 0/3" in drawn
    assert drawn.endswith(f"\r[{'#' * 30}] 3/3\n")
    assert f"\r\x1b[K{bad}: This is no image" in drawn


def test_a_contact_sheet_shows_every_algorithm(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main([str(photo), "-o", str(out), "--contact-sheet", "--palette", "gray"]) == 0
    with Image.open(out) as sheet:
        assert sheet.width * sheet.height > len(ALGORITHMS) * 60 * 40
        assert min(60, SIDE) < sheet.width


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", full)
        with pytest.raises(EngineError, match="No space left"):
            Job("in.png", str(target)).write(b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert target.read_bytes() == b"old"
    Job("in.png", str(target)).write(b"new")
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_existing_file_is_not_overwritten_unless_it_is_forced(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"dear")
    with pytest.raises(SystemExit) as caught:
        main([str(photo), "-o", str(out)])
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        f"{out} would be overwritten: name another output, or say --force. See --help.\n"
    )
    assert out.read_bytes() == b"dear"
    assert main([str(photo), "-o", str(out), "--force"]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("answer", "refused"), [("y\n", False), ("n\n", True), ("", True)])
def test_on_a_terminal_it_asks(
    answer: str, refused: bool, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "photo.png").write_bytes(b"dear")
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    command = [str(photo), "-o", str(out)]
    if refused:
        with pytest.raises(SystemExit):
            main(command)
    else:
        assert main(command) == 0
    assert (out / "photo.png").read_bytes().startswith(b"dear" if refused else b"\x89PNG")


def test_pipes_and_devices_are_written_to_as_they_are(photo: Path) -> None:
    assert main([str(photo), "-o", os.devnull, "--format", "png"]) == 0


def test_the_panels_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["panels"]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"waveshare-7\.3-spectra-6 +Waveshare 7\.3 inch E, Spectra 6: 800×480, black,.*raw", out
    )
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(panels())


@pytest.mark.parametrize(
    ("panel", "ending", "form"),
    [
        ("waveshare-2.9", "bin", "raw"),
        ("waveshare-2.9", "h", "c-array"),
        ("trmnl-og-4-grey", "png", "png-grey"),
        ("waveshare-2.9", "png", "png"),
        ("trmnl-og", "bmp", "bmp"),
    ],
)
def test_a_panels_file_has_the_format_of_its_ending(
    panel: str, ending: str, form: str, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / f"out.{ending}"
    assert main([str(photo), "-o", str(out), "--panel", panel]) == 0
    expected = dither_bytes(photo.read_bytes(), Options(panel=panel, format=form))
    assert out.read_bytes() == expected.data


def test_files_for_a_panel_have_its_ending(photo: Path, tmp_path: Path) -> None:
    assert main([str(photo), "-o", f"{tmp_path}/out/", "--panel", "waveshare-2.9"]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.bin"]
