"""Several results as a ZIP, sent while the later ones are still made.

The entries have the order of the files. In the place of a file that cannot be dithered is a text
that says why; the last entry, ``manifest.json``, tells of all of them.
"""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from zipstream import ZIP_STORED, ZipStream

from dither_engine import Encoded
from dither_service.one_call import OneCall
from dither_service.one_call_request import Call, Sent
from shared.failures import TransientFailure
from shared.filenames import with_extension
from shared.problems import Problem, Unavailable

logger = logging.getLogger(__name__)
MANIFEST = "manifest.json"


async def zipped(call: Call, one_call: OneCall) -> AsyncIterator[bytes]:
    """The archive's bytes. Nothing is compressed again: pictures are compressed already."""
    archive = ZipStream(compress_type=ZIP_STORED)
    entries: list[dict[str, Any]] = []
    names = {MANIFEST}
    for sent in call.files:
        name, data, facts = await _entry(sent, call, one_call)
        name = _unique(name, names)
        names.add(name)
        entries.append({"file": sent.filename, "entry": name, **facts})
        archive.add(data, name)
        for part in archive.file():
            yield part
    archive.add(json.dumps({"files": entries}, indent=2, ensure_ascii=False), MANIFEST)
    for part in archive.finalize():
        yield part


async def _entry(sent: Sent, call: Call, one_call: OneCall) -> tuple[str, bytes, dict[str, Any]]:
    """An entry's name, content, and what the manifest says of it."""
    try:
        made = await one_call.dither(await sent.read(), call.options)
    except Problem as error:
        problem = error
    except TransientFailure as failure:
        logger.warning("a file of an archive is left out", extra={"reason": str(failure)})
        problem = Unavailable("The service could not dither this now; please try again.")
    else:
        return with_extension(sent.filename, made.extension), made.data, _facts(made)
    text = f"{sent.filename}: {problem.detail}\n".encode()
    return f"{sent.filename}.txt", text, {"status": problem.status, "detail": problem.detail}


def _facts(made: Encoded) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": 200, "width": made.width, "height": made.height}
    chosen = {"chosen": dict(made.chosen)} if made.chosen else {}
    return {**facts, "colours": made.colours, **chosen}


def _unique(name: str, taken: set[str]) -> str:
    """``name``, or with a number if it is taken: photo.png, photo-2.png."""
    stem, dot, extension = name.rpartition(".")
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{stem}-{number}{dot}{extension}"
    return found
