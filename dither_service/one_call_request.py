"""Read a request for one call: files or an address, the options, and the format."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from dither_engine import Options
from dither_engine.formats import FORMATS
from dither_service.choices import FIELDS, options_of_texts, parse_options
from dither_service.fetch import Fetcher
from dither_service.settings import DitherSettings
from shared.accept import quality
from shared.filenames import clean_filename
from shared.forms import Form, is_form, parse_json_object, read_form
from shared.problems import Problem

# Option fields may come one by one, besides the field with all of them as JSON.
_TEXTS = ("options", *FIELDS)
ZIP = "application/zip"
# The format for each media type that a client may ask for. PNG has two formats: the first counts.
_IMAGES: dict[str, str] = {}
for _name, _entry in FORMATS.items():
    if _entry.content_type.startswith("image/"):
        _IMAGES.setdefault(_entry.content_type, _name)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent. filename: cleaned, to be shown."""

    filename: str
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Call:
    """as_zip: the results are wanted in an archive, because there are several, or by choice."""

    files: Sequence[Sent]
    options: Options
    as_zip: bool


@asynccontextmanager
async def read_call(
    request: Request, settings: DitherSettings, fetcher: Fetcher
) -> AsyncIterator[Call]:
    """The call that a POST request makes. The files can be read until the block ends."""
    in_query = options_of_texts(request.query_params.multi_items())
    if is_form(request):
        async with read_form(request, _TEXTS, settings.dither_call_max_files) as form:
            files = [
                Sent(clean_filename(file.filename), file.read)
                for file in form.files(settings.max_upload_bytes)
            ]
            if not 1 <= len(files) <= settings.dither_call_max_files:
                raise Problem(422, _how_many(len(files), settings.dither_call_max_files))
            yield _call(request, files, in_query, _of_form(form))
    elif request.headers.get("content-type", "").lower().startswith("application/json"):
        fields = parse_json_object("The body", await request.body())
        url, options = fields.pop("url", None), fields.pop("options", {})
        if not isinstance(url, str) or not isinstance(options, dict) or fields:
            raise Problem(
                422, "The body: url (a text) and, if wanted, options (an object) are expected."
            )
        yield _call(request, [await _fetched(fetcher, url)], in_query, options)
    else:
        raise Problem(
            415,
            "Send multipart/form-data with one or more files named file, or JSON with url; the "
            "options are further fields of the form, its field options (JSON), or the query.",
        )


async def read_address(request: Request, fetcher: Fetcher) -> Call:
    """The call that a GET request makes: ``url`` and the options are in the query."""
    texts = request.query_params.multi_items()
    urls = [text for name, text in texts if name == "url"]
    if len(urls) != 1:
        raise Problem(422, "url: must be the URL of one picture.")
    options = options_of_texts([(name, text) for name, text in texts if name != "url"])
    call = _call(request, [], options)
    return Call([await _fetched(fetcher, urls[0])], call.options, call.as_zip)


def _how_many(count: int, most: int) -> str:
    sent = "none was sent" if count == 0 else f"{count} were sent"
    return f"file: one to {most} files are taken; {sent}."


async def _fetched(fetcher: Fetcher, url: str) -> Sent:
    fetched = await fetcher.fetch(url)

    async def read() -> bytes:
        return fetched.data

    return Sent(clean_filename(fetched.filename), read)


def _of_form(form: Form) -> Mapping[str, Any]:
    texts = [(name, text) for name in FIELDS if (text := form.text(name)) is not None]
    return _merged(form.json_object("options") or {}, options_of_texts(texts))


def _merged(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """All options together. Raises ``Problem`` if one is in two places."""
    merged: dict[str, Any] = {}
    for source in sources:
        if twice := sorted(merged.keys() & source.keys()):
            raise Problem(422, f"{twice[0][:40]}: it was sent twice; send it only once.")
        merged |= source
    return merged


def _call(request: Request, files: Sequence[Sent], *sources: Mapping[str, Any]) -> Call:
    fields = _merged(*sources)
    accept = request.headers.get("accept", "")
    if "format" not in fields and (wanted := _accepted(accept)) is not None:
        fields["format"] = wanted
    only_zip = bool(quality(accept, ZIP)) and not any(quality(accept, t) for t in _IMAGES)
    return Call(files, parse_options(fields), as_zip=len(files) > 1 or only_zip)


def _accepted(accept: str) -> str | None:
    """The format that the client likes most; None if it named none. Raises ``Problem`` 406."""
    liked = {media_type: quality(accept, media_type) for media_type in _IMAGES}
    most = max(liked.values())
    if not most and not quality(accept, ZIP):
        allowed = ", ".join((*_IMAGES, ZIP))
        raise Problem(406, f"Accept: none of {allowed} is accepted; these formats can be made.")
    if not any(media_type in accept for media_type in _IMAGES):
        return None
    return next(_IMAGES[media_type] for media_type in _IMAGES if liked[media_type] == most)
