"""The command line: dither files, list what can be chosen, draw a contact sheet, warm up.

Every option of the library is an option here, with the same name and the same limits.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from dither_engine import __version__
from dither_engine.algorithms import ALGORITHMS, CUSTOM, CUSTOM_MATRIX
from dither_engine.batch import existing, is_directory, plan, put_out, run
from dither_engine.compiling import announce_compiling
from dither_engine.decode import MAX_FRAMES
from dither_engine.errors import EngineError
from dither_engine.formats import FORMATS
from dither_engine.options import ALLOWED, Options
from dither_engine.palette_files import colours_of_file
from dither_engine.palettes import NAMED
from dither_engine.panels import panels

_ENDINGS = {entry.suffix: name for name, entry in FORMATS.items() if name != "png-grey"}
_PANELS = "panels"
_JSON = {"kernel": "[[0, 0, 7], [3, 5, 1]]", "matrix": "[[0, 2], [3, 1]]"}
_EPILOG = """\
examples:
  dither photo.jpg -o photo.png
  dither *.jpg -o out/ --algorithm atkinson --palette gameboy --scale 2
  dither - -o - --channels 4 < photo.jpg > photo.png
  dither photo.jpg -o photo.png --palette colours.gpl --resample nearest
  dither photo.jpg -o sheet.png --contact-sheet --palette pico-8
  dither photo.jpg -o photo.bin --panel waveshare-7.3-spectra-6 --auto natural
  dither panels
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status: 0, 1 when a file failed, 2 for a wrong command."""
    # Pillow's warnings about unusual files do not help users of the command line.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has closed the pipe
        return 1


def _run(arguments: Sequence[str]) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.list:
        return _list(listing())
    if given.inputs == [_PANELS] and not given.output:
        return _list(listing_of_panels())
    if given.warm:
        from dither_engine.methods import warm  # noqa: PLC0415 - loads the compiler

        announce_compiling()
        warm()
        return 0
    if not given.inputs or not given.output:
        parser.error("name at least one input, and the output with -o")
    try:
        fields = _fields(given)
        options = Options.parse(fields)
        jobs = plan(given.inputs, given.output, FORMATS[options.format].suffix)
        if given.contact_sheet:
            _check_sheet(fields, len(jobs))
        else:
            _check_own(fields, options.algorithm)
        if not given.force:
            _check_overwriting(existing(jobs))
    except EngineError as error:
        parser.error(str(error))
    announce_compiling()
    make = _sheet if given.contact_sheet else _dithered
    limits = {"max_pixels": given.max_pixels, "max_frames": given.max_frames}
    return run(jobs, lambda data: make(data, options, limits))


def _list(text: str) -> int:
    try:
        put_out(text.encode(sys.stdout.encoding, "replace"))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def listing() -> str:
    """All algorithms and palettes, one a line."""
    algorithms = {entry.name: entry.description for entry in ALGORITHMS.values()}
    algorithms[CUSTOM] = "Error diffusion with the weights of --kernel."
    algorithms[CUSTOM_MATRIX] = "Ordered dithering with the thresholds of --matrix."
    palettes = {
        "channels": "Levels per colour channel (--channels).",
        "gray": "Grey levels (--channels).",
        "adaptive:n": "n colours made from the image.",
        "#rrggbb,#rrggbb,...": "A list of 2 to 256 colours.",
        "a file": "Its colours: .hex, .gpl, .pal, .ase, or a picture of at most 256 colours.",
    }
    for entry in NAMED.values():
        count = f" ({len(entry.colours)} colours)" if "colours" not in entry.title else ""
        palettes[entry.name] = f"{entry.title}{count}."
    return f"algorithms:\n{_columns(algorithms)}\npalettes:\n{_columns(palettes)}"


def listing_of_panels() -> str:
    """All panels with their sizes, inks and formats, one a line."""
    lines = {
        panel.name: f"{panel.title}: {panel.width}×{panel.height},"
        f" {', '.join(ink.name for ink in panel.inks)}; {panel.options['format']}"
        for panel in panels().values()
    }
    return f"panels:\n{_columns(lines)}"


def _columns(lines: dict[str, str]) -> str:
    width = max(map(len, lines))
    return "".join(f"  {name:{width}}  {text}\n" for name, text in lines.items())


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message.rstrip('.')}. See --help.\n")


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="dither",
        description="Dither images and animations.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("inputs", nargs="*", metavar="IN", help="image files; - is standard input")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a file; a directory, for several images; - is standard output",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--list", action="store_true", help="list algorithms and palettes")
    parser.add_argument(
        "--contact-sheet",
        action="store_true",
        help="draw one picture of all algorithms on the image, labelled; --width, --height and"
        " --scale are those of each. Always a PNG file.",
    )
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    parser.add_argument("--warm", action="store_true", help="compile all kernels into the cache")
    parser.add_argument(
        "--max-pixels",
        type=_positive,
        default=100_000_000,
        metavar="N",
        help="refuse larger images, before decoding and after enlarging. Default: %(default)s.",
    )
    parser.add_argument(
        "--max-frames",
        type=_positive,
        default=MAX_FRAMES,
        metavar="N",
        help="refuse longer animations. Default: %(default)s.",
    )
    group = parser.add_argument_group("how to dither")
    for name, field in Options.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(field.default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, help=field.description)
        else:
            group.add_argument(flag, metavar="X", help=_help(name).replace("%", "%%"))
    return parser


def _help(name: str) -> str:
    field, allowed = Options.model_fields[name], ALLOWED[name]
    lists = {"algorithm": "--list", "palette": "--list", "panel": "dither panels"}
    words = f"See {lists[name]}" if name in lists else allowed[0].upper() + allowed[1:]
    default = "" if field.default is None else f" Default: {field.default}."
    return f"{field.description} {words}.{default}"


def _fields(given: argparse.Namespace) -> dict[str, Any]:
    """The given options; the format also from the output's extension."""
    fields = {name: getattr(given, name) for name in Options.model_fields}
    found = {name: value for name, value in fields.items() if value is not None}
    for name, example in _JSON.items():
        if name in found:
            found[name] = _rows(name, found[name], example)
    if "palette" in found:
        found["palette"] = _palette(found["palette"])
    ending = Path(given.output).suffix.lower().removeprefix(".")
    if "format" not in found and ending and not is_directory(given.inputs, given.output):
        found["format"] = _format(ending, given)
    return found


def _format(ending: str, given: argparse.Namespace) -> str:
    """The format that a file's ending means; the panel's, if it has that ending."""
    if ending not in _ENDINGS:
        *most, last = (f".{name}" for name in _ENDINGS)
        raise EngineError(
            f"{given.output} does not say a format: end it in {', '.join(most)} or {last},"
            " or say --format."
        )
    panel = panels().get(given.panel or "")
    wanted = panel.options["format"] if panel else "png"
    return wanted if FORMATS[wanted].suffix == ending else _ENDINGS[ending]


def _check_overwriting(names: Sequence[str]) -> None:
    """Ask on a terminal whether files that exist may be overwritten; elsewhere refuse it."""
    if not names:
        return
    there = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    if sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write(f"{there} would be overwritten. Go on? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise EngineError(f"{there} would be overwritten: name another output, or say --force.")


def _rows(name: str, text: str, example: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"A {name} is written as JSON: {example}.") from error


def _palette(given: str) -> str | list[str]:
    """The colours of a file, if ``given`` is a file name."""
    path = Path(given)
    if given in NAMED or not (path.suffix or path.is_file()):
        return given
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EngineError(f"{given} cannot be read: {error.strerror}.") from error
    try:
        return colours_of_file(data)
    except EngineError as error:
        raise EngineError(f"{given}: {error}") from error


def _check_own(fields: dict[str, Any], algorithm: str) -> None:
    """Refuse a kernel or matrix that the algorithm does not read."""
    for name, reader in (("kernel", CUSTOM), ("matrix", CUSTOM_MATRIX)):
        if name in fields and algorithm != reader:
            raise EngineError(f"A {name} goes with --algorithm {reader}.")


def _check_sheet(fields: dict[str, Any], images: int) -> None:
    """Refuse options that do not apply to a contact sheet."""
    if images != 1:
        raise EngineError("A contact sheet is made of one image.")
    if fields.get("format", "png") != "png":
        raise EngineError(
            "A contact sheet is a PNG file: name the output so and leave --format out."
        )
    if fields.keys() & {"algorithm", "kernel", "matrix"}:
        raise EngineError(
            "A contact sheet shows all algorithms: leave --algorithm, --kernel and --matrix out."
        )


def _dithered(data: bytes, options: Options, limits: dict[str, int]) -> tuple[bytes, str]:
    """The file, and the options that were chosen automatically, as they are typed."""
    from dither_engine.pipeline import dither_bytes  # noqa: PLC0415 - loads the compiler

    done = dither_bytes(data, options, **limits)
    return done.data, " ".join(f"--{name} {value:g}" for name, value in done.chosen.items())


def _sheet(data: bytes, options: Options, limits: dict[str, int]) -> tuple[bytes, str]:
    from dither_engine.sheet import contact_sheet  # noqa: PLC0415 - loads the compiler

    return contact_sheet(data, options, **limits), ""
