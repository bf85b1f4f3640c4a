"""Multipart forms, read strictly: unknown input is refused, not guessed.

Files above a megabyte are kept in temporary files, not in memory.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from shared.filenames import extended_filename, sent_filename
from shared.problems import Problem

MAX_JSON_CHARACTERS = 16 * 1024
MAX_JSON_LEVELS = 32


class Form:
    """Fields ``file`` and a few text fields. Every method raises ``Problem`` for bad input."""

    def __init__(self, form: FormData, fields: tuple[str, ...]) -> None:
        self._form = form
        unknown = sorted({name[:40] for name in form} - {"file", *fields})
        if unknown:
            raise Problem(422, f"There is no field {unknown[0]!a}; {_takes(fields)}.")

    async def file(self, max_bytes: int) -> tuple[bytes, str | None]:
        """The file's content and the name it was sent with."""
        files = self.files(max_bytes)
        if len(files) != 1:
            raise Problem(422, f"file: exactly one file is expected; {_count(files)}.")
        return await files[0].read(), files[0].filename

    def files(self, max_bytes: int) -> Sequence[UploadFile]:
        """All files that were sent, in order."""
        files = self._form.getlist("file")
        for file in files:
            if not isinstance(file, UploadFile):
                raise Problem(
                    422,
                    "file: a file is expected, but a text was sent instead (a file's part has a "
                    "filename).",
                )
            if file.size is not None and file.size > max_bytes:
                allowed = f"at most {max_bytes:,} bytes are allowed"
                raise Problem(413, f"file: it is too large; {allowed}.")
        return [file for file in files if isinstance(file, UploadFile)]

    def text(self, name: str) -> str | None:
        """A field's text; None when it is missing or empty."""
        values = self._form.getlist(name)
        if len(values) > 1:
            raise Problem(422, f"{name}: it may be sent only once.")
        if values and not isinstance(values[0], str):
            raise Problem(422, f"{name}: must be text, not a file.")
        return str(values[0]) if values and values[0] else None

    def json_object(self, name: str) -> dict[str, Any] | None:
        text = self.text(name)
        return None if text is None else parse_json_object(name, text)


def parse_json_object(name: str, text: str | bytes) -> dict[str, Any]:
    """A JSON object that a database can keep: no NUL, no lone surrogate, no infinite number."""
    try:
        if len(text) > MAX_JSON_CHARACTERS:
            raise ValueError
        value = json.loads(text)
        # Python's own limit of nesting differs from version to version.
        if _is_deeper(value, MAX_JSON_LEVELS):
            raise ValueError
        if b"\\u0000" in json.dumps(value, allow_nan=False, ensure_ascii=False).encode():
            raise ValueError
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Problem(
            422,
            f'{name}: a JSON object is expected, such as {{"algorithm": "floyd-steinberg"}}, of '
            f"at most {MAX_JSON_CHARACTERS:,} characters and {MAX_JSON_LEVELS} levels.",
        )
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and arrays are nested more than ``levels`` deep."""
    containers = [value]
    for _ in range(levels):
        inner = (item for container in containers for item in _items(container))
        containers = [item for item in inner if isinstance(item, dict | list)]
        if not containers:
            return False
    return True


def _items(container: Any) -> Iterable[Any]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()


class _Parser(MultiPartParser):
    """Starlette's, which does not know the parameter ``filename*``."""

    def on_headers_finished(self) -> None:
        part = self._current_part
        disposition = (part.content_disposition or b"").decode("utf-8", "replace")
        if extended_filename(disposition) is not None:
            # Without ``filename``, the part would be a text.
            part.content_disposition = (part.content_disposition or b"") + b'; filename=""'
        super().on_headers_finished()
        if part.file is not None:
            part.file.filename = sent_filename(part.file.filename or "", disposition)


def is_form(request: Request) -> bool:
    """Whether the request's body is a multipart form."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


@asynccontextmanager
async def read_form(
    request: Request, fields: tuple[str, ...], max_files: int = 1
) -> AsyncIterator[Form]:
    """The request's form; only ``file`` and ``fields`` are allowed."""
    if not is_form(request):
        raise Problem(415, f"Send multipart/form-data; {_takes(fields)}.")
    parser = _Parser(
        request.headers,
        request.stream(),
        max_files=max_files + 1,
        max_fields=max(8, len(fields)),
        max_part_size=64 * 1024,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "Too many files" in error.message:
            raise Problem(422, f"file: at most {max_files} may be sent at once.") from error
        raise Problem(400, f"The form cannot be read; {_takes(fields)}.") from error
    except UnicodeError as error:  # of a charset that cannot decode it
        raise Problem(400, f"The form cannot be read; {_takes(fields)}.") from error
    try:
        yield Form(form, fields)
    finally:
        await form.close()


def form_openapi(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The form's schema for the OpenAPI document (``openapi_extra``)."""
    file = {
        "type": "string",
        "format": "binary",
        "description": "One PNG, JPEG, GIF, WebP, AVIF, HEIC, BMP or TIFF.",
    }
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **fields},
        "additionalProperties": False,
    }
    body = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return {"requestBody": body}


def _takes(fields: tuple[str, ...]) -> str:
    others = f" and, if wanted, {', '.join(fields)}" if fields else ""
    return f"the form takes file (one image){others}"


def _count(files: Sequence[UploadFile]) -> str:
    return "none was sent" if not files else f"{len(files)} were sent"
