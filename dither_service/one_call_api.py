"""HTTP → one call: send a picture, get the dithered file as the answer."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dither_engine import Encoded
from dither_engine.formats import CONTENT_TYPES
from dither_service.choices import FIELDS, options_openapi
from dither_service.fetch import Fetcher
from dither_service.one_call import OneCall, etag
from dither_service.one_call_request import ZIP, Call, read_address, read_call
from dither_service.one_call_zip import zipped
from dither_service.settings import DitherSettings
from shared.conditional import client_has
from shared.filenames import content_disposition, with_extension
from shared.forms import form_openapi
from shared.http import NOT_MODIFIED, binary, until_gone
from shared.problem_schema import refusal
from shared.problems import Problem
from shared.slots import Slots

MAX_FETCHES = 8
NO_STORE = "no-store"
_NOT_MADE: dict[int | str, dict[str, Any]] = {406: refusal("None of the types in Accept is made")}
_URL = {
    "name": "url",
    "in": "query",
    "required": True,
    "description": "Address of a picture (https) on a host that the operator has listed.",
    "schema": {"type": "string", "example": "https://images.example.org/photo.jpg"},
}


def one_call_router(settings: DitherSettings, one_call: OneCall, fetcher: Fetcher) -> APIRouter:
    router = APIRouter(tags=["one call"])
    fetches = Slots(
        MAX_FETCHES, wait_seconds=1, busy="Too many pictures are being fetched; try again."
    )
    shared = "public" if settings.is_open else "private"
    cached = f"{shared}, max-age={settings.dither_url_cache_seconds}"

    @router.post(
        "/dither",
        summary="Dither at full size, at once; nothing is kept",
        response_class=Response,
        responses={
            **binary((*CONTENT_TYPES, ZIP)),
            **_NOT_MADE,
            412: refusal("If-None-Match names the result"),
        },
        openapi_extra=_openapi(settings),
    )
    async def dither(request: Request) -> Response:
        """One file is answered with the picture, several with a ZIP: in order, with a text in the
        place of a file that cannot be dithered, and a `manifest.json` at the end. The format is
        that of the option `format`, or what `Accept` likes most."""
        clock = _Clock()
        async with AsyncExitStack() as stack:
            call = await stack.enter_async_context(read_call(request, settings, fetcher))
            clock.note("read")
            if not call.as_zip:
                return await _answer(request, call, one_call, clock, NO_STORE)
            return _Archive(zipped(call, one_call), clock, stack.pop_all())

    @router.get(
        "/dither",
        summary="Dither a picture from the web",
        response_class=Response,
        responses={**binary(CONTENT_TYPES), **NOT_MODIFIED, **_NOT_MADE},
        openapi_extra={"parameters": [_URL, *options_openapi(FIELDS)["parameters"]]},
    )
    async def dither_address(request: Request) -> Response:
        """For panels that can only ask for an address. Allowed for the hosts that
        `DITHER_URL_HOSTS` lists; the answer may be cached, and has an `ETag`."""
        clock = _Clock()
        async with fetches.taken():
            call = await read_address(request, fetcher)
        clock.note("fetch")
        return await _answer(request, call, one_call, clock, cached)

    return router


async def _answer(
    request: Request, call: Call, one_call: OneCall, clock: "_Clock", cache: str
) -> Response:
    (sent,) = call.files
    data = await sent.read()
    headers = {"etag": etag(data, call.options), "cache-control": cache, "vary": "accept"}
    if client_has(request, headers["etag"]):
        if request.method == "POST":  # RFC 9110, 13.1.2
            raise Problem(412, "If-None-Match: your copy of the result is current.")
        return Response(status_code=304, headers=headers)
    made = await until_gone(request, one_call.dither(data, call.options))
    clock.note("dither")
    return Response(
        made.data,
        media_type=made.content_type,
        headers=headers | _facts(made, sent.filename) | {"server-timing": clock.field()},
    )


def _facts(made: Encoded, filename: str) -> dict[str, str]:
    chosen = {"x-dither-chosen": json.dumps(dict(made.chosen))} if made.chosen else {}
    return chosen | {
        "content-disposition": content_disposition(with_extension(filename, made.extension)),
        "x-dither-width": str(made.width),
        "x-dither-height": str(made.height),
        "x-dither-colours": str(made.colours),
    }


class _Clock:
    """The header field ``Server-Timing``: how long each step took, in milliseconds."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._steps: list[str] = []

    def note(self, step: str) -> None:
        """A step has ended."""
        now = time.perf_counter()
        self._steps.append(f"{step};dur={(now - self._last) * 1000:.1f}")
        self._last = now

    def field(self) -> str:
        return ", ".join(self._steps)


class _Archive(StreamingResponse):
    """A ZIP; the uploaded files are closed after it was sent, or when the client has gone."""

    def __init__(self, parts: AsyncIterator[bytes], clock: _Clock, files: AsyncExitStack) -> None:
        super().__init__(
            parts,
            media_type=ZIP,
            headers={
                "cache-control": NO_STORE,
                "content-disposition": content_disposition("dithered.zip", "attachment"),
                "vary": "accept",
                "server-timing": clock.field(),
            },
        )
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._files:
            await super().__call__(scope, receive, send)


def _openapi(settings: DitherSettings) -> dict[str, Any]:
    options = options_openapi(FIELDS)
    schema = options["requestBody"]["content"]["application/json"]["schema"]
    fields = {
        parameter["name"]: {**parameter["schema"], "description": parameter["description"]}
        for parameter in options["parameters"]
    }
    everything = {
        "type": "string",
        "description": "All options as JSON, instead of single fields.",
        "example": '{"palette": "spectra-6", "width": 800, "height": 480}',
    }
    form = form_openapi({"options": everything, **fields})["requestBody"]["content"]
    files = form["multipart/form-data"]["schema"]
    one = files["properties"]["file"]
    files["properties"]["file"] = {
        "type": "array",
        "items": {key: one[key] for key in ("type", "format")},
        "maxItems": settings.dither_call_max_files,
        "description": f"{one['description'].rstrip('.')}; or several.",
    }
    address = {
        "type": "object",
        "required": ["url"],
        "properties": {"url": _URL["schema"], "options": schema},
        "additionalProperties": False,
    }
    return {
        "parameters": options["parameters"],
        "requestBody": {
            "required": True,
            "content": {**form, "application/json": {"schema": address}},
        },
    }
