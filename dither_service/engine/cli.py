"""The command line: dither files, list what there is, draw a contact sheet, fill the cache.

Every option of the library is an option here, with the same name and the same limits.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dither_service.engine.algorithms import ALGORITHMS
from dither_service.engine.batch import STREAM, Job, plan, run
from dither_service.engine.errors import EngineError
from dither_service.engine.options import Options
from dither_service.engine.palettes import NAMED

_EPILOG = """\
examples:
  python -m dither_service.engine photo.jpg -o photo.png
  python -m dither_service.engine *.jpg -o out/ --algorithm atkinson --palette gameboy --scale 2
  python -m dither_service.engine - -o - --channels 4 < photo.jpg > photo.png
  python -m dither_service.engine photo.jpg -o sheet.png --contact-sheet --palette pico-8
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status: 0, 1 when a file failed, 2 for a wrong command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.list:
        sys.stdout.write(listing())
        return 0
    if given.warm:
        from dither_service.engine.methods import warm  # noqa: PLC0415 - loads the compiler

        warm()
        return 0
    if not given.inputs or not given.output:
        parser.error("name at least one input, and the output with -o")
    try:
        options = Options.parse(_fields(given))
        jobs = plan(given.inputs, given.output, options.format)
        if given.contact_sheet:
            return _contact_sheet(jobs, options)
    except EngineError as error:
        parser.error(str(error))
    return run(jobs, options, max_pixels=given.max_pixels, max_frames=given.max_frames)


def listing() -> str:
    """All algorithms and palettes, one a line."""
    lines = ["algorithms:"]
    lines += [f"  {entry.name:24} {entry.description}" for entry in ALGORITHMS.values()]
    lines += [f"  {'custom':24} Error diffusion with the weights of --kernel.", "", "palettes:"]
    lines += [f"  {'channels':24} Levels per colour channel (--channels)."]
    lines += [f"  {'gray':24} Grey levels (--channels)."]
    lines += [f"  {'adaptive:n':24} n colours made from the image."]
    lines += [f"  {'#rrggbb,#rrggbb,...':24} A list of 2 to 256 colours."]
    lines += [
        f"  {entry.name:24} {entry.title} ({len(entry.colours)} colours)."
        for entry in NAMED.values()
    ]
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dither_service.engine",
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
    parser.add_argument("--list", action="store_true", help="list algorithms and palettes")
    parser.add_argument(
        "--contact-sheet",
        action="store_true",
        help="draw one picture of all algorithms on the image, labelled",
    )
    parser.add_argument("--warm", action="store_true", help="compile all kernels into the cache")
    parser.add_argument("--max-pixels", type=int, default=100_000_000, metavar="N")
    parser.add_argument("--max-frames", type=int, default=1000, metavar="N")
    group = parser.add_argument_group("options")
    for name, field in Options.model_fields.items():
        if isinstance(field.default, bool):
            group.add_argument(
                f"--{name}", action=argparse.BooleanOptionalAction, help=field.description
            )
        else:
            text = f"{field.description} Default: {field.default}."
            group.add_argument(f"--{name}", metavar="X", help=text.replace("%", "%%"))
    return parser


def _fields(given: argparse.Namespace) -> dict[str, Any]:
    """The options that were given; the format also from the output's ending."""
    fields = {name: getattr(given, name) for name in Options.model_fields}
    found = {name: value for name, value in fields.items() if value is not None}
    if "kernel" in found:
        try:
            found["kernel"] = json.loads(found["kernel"])
        except ValueError as error:
            raise EngineError("A kernel is written as JSON: [[0, 0, 7], [3, 5, 1]].") from error
    ending = Path(given.output).suffix.lower().removeprefix(".")
    if "format" not in found and ending:
        found["format"] = ending
    return found


def _contact_sheet(jobs: Sequence[Job], options: Options) -> int:
    from dither_service.engine.sheet import contact_sheet  # noqa: PLC0415 - loads the compiler

    if len(jobs) != 1:
        raise EngineError("A contact sheet is made of one image.")
    job = jobs[0]
    job.write(contact_sheet(job.read(), options))
    if job.output != STREAM:
        sys.stderr.write(f"{job.output}\n")
    return 0
