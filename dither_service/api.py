"""HTTP → use cases."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query, Request, Response, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from dither_engine.formats import CONTENT_TYPES
from dither_service import schemas
from dither_service.choices import options_openapi, parse_options, read_options
from dither_service.download_api import download_router
from dither_service.fetch import Fetcher
from dither_service.one_call import OneCall, engine_of
from dither_service.one_call_api import one_call_router
from dither_service.palette_api import palette_router
from dither_service.preview import DEFAULT_SIZE, LARGEST_SIZE, Previews
from dither_service.preview_api import preview_router
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from dither_service.waiting import Places
from shared.forms import form_openapi, read_form
from shared.health import Health
from shared.http import BodyLimit, binary, create_app
from shared.principal import Reader, Writer, reader
from shared.problems import Problem

# The size of multipart framing and the small fields, in addition to the file.
FORM_OVERHEAD_BYTES = 64 * 1024

_PREVIEW = form_openapi(
    {
        "options": {
            "type": "string",
            "description": "Options as JSON; GET /options tells them.",
            "example": '{"algorithm": "atkinson"}',
        },
        "max_size": {
            "type": "integer",
            "default": DEFAULT_SIZE,
            "maximum": LARGEST_SIZE,
            "example": DEFAULT_SIZE,
            "description": "The image is fitted into so many pixels a side before dithering.",
        },
    }
)


def create_api(
    settings: DitherSettings, service: DitherService, previews: Previews, health: Health
) -> FastAPI:
    app = create_app("Dither service", health, settings)
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_upload_bytes + FORM_OVERHEAD_BYTES,
        larger={"/dither": settings.dither_call_max_bytes + FORM_OVERHEAD_BYTES},
    )
    places = Places(settings)
    choices = previews.choices()
    some_choices = {kind: v[:1] if isinstance(v, list) else v for kind, v in choices.items()}
    may_read = [Depends(reader)]
    app.include_router(preview_router(settings, previews, places), dependencies=may_read)
    app.include_router(palette_router(settings, previews, places), dependencies=may_read)
    one_call = OneCall(settings, engine_of(previews))
    app.include_router(
        one_call_router(settings, one_call, Fetcher(settings)), dependencies=may_read
    )
    app.include_router(download_router(service.downloads, one_call))

    @app.get("/images", tags=["dithers"], summary="List dithers, newest first")
    def list_dithers(
        caller: Reader,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> schemas.DitherPage:
        """Those that you have asked for; of somebody without an identity, none."""
        return service.list_dithers(limit, cursor, caller)

    @app.get("/images/{uuid}", tags=["dithers"], summary="All dithers of an image")
    def get_dithers(uuid: UUID, caller: Reader) -> schemas.ImageDithers:
        """Whoever has the link sees them, but only the image's owner all of the options."""
        return service.get_dithers(uuid, caller)

    @app.post(
        "/images/{uuid}/{channels}",
        status_code=status.HTTP_202_ACCEPTED,
        response_model=schemas.Dither,
        tags=["dithers"],
        summary="Dither an image once more",
        responses={200: {"model": schemas.Dither, "description": "The same was asked for before"}},
        openapi_extra=options_openapi(),
    )
    async def request_dither(
        uuid: UUID,
        channels: Annotated[
            int, Path(ge=2, le=256, description="Levels per colour channel", examples=[2])
        ],
        request: Request,
        caller: Writer,
    ) -> Response:
        """Every option may come in a JSON body or in the query string."""
        options = await read_options(request, channels)
        dither, is_new = await run_in_threadpool(service.request_dither, uuid, options, caller)
        return Response(
            dither.model_dump_json(),
            status_code=202 if is_new else 200,
            headers={"location": f"/images/{uuid}"},
            media_type=JSONResponse.media_type,
        )

    @app.post(
        "/preview",
        dependencies=may_read,
        tags=["preview"],
        summary="Dither an image at once, keeping nothing",
        response_class=Response,
        responses=binary(CONTENT_TYPES),
        openapi_extra=_PREVIEW,
    )
    async def preview(request: Request) -> Response:
        async with read_form(request, ("options", "max_size")) as form:
            options = parse_options(form.json_object("options") or {})
            max_size = _size(form.text("max_size"))
            data, _ = await form.file(settings.max_upload_bytes)
            encoded = await places.answer(
                request, options, lambda wanted: previews.dither(wanted, data, max_size)
            )
        headers = {
            "cache-control": "no-store",
            "x-dither-colours": str(encoded.colours),
            "x-dither-width": str(encoded.width),
            "x-dither-height": str(encoded.height),
        }
        return Response(encoded.data, media_type=encoded.content_type, headers=headers)

    @app.get(
        "/options",
        tags=["preview"],
        summary="Algorithms, palettes, options, limits",
        responses={200: {"content": {"application/json": {"example": some_choices}}}},
    )
    async def get_options() -> JSONResponse:
        return JSONResponse(choices, headers={"cache-control": "public, max-age=60"})

    return app


def _size(text: str | None) -> int:
    if text is None:
        return DEFAULT_SIZE
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= LARGEST_SIZE:
        raise Problem(422, f"max_size: must be a whole number from 1 to {LARGEST_SIZE}.")
    return int(text)
