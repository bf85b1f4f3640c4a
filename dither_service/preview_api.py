"""HTTP → previews of pictures that are held in memory: a part, the file, or facts about it.

The client sends the file with the first request; the answer gives its name (the SHA-256 of the
file), and later requests send only the name. A replica that does not have the picture in memory
answers 404; the client then repeats the request with the file. Nothing is stored.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dither_engine.formats import CONTENT_TYPES
from dither_service.choices import parse_options
from dither_service.part import Part
from dither_service.preview import Picture, Previews, Wanted
from dither_service.settings import DitherSettings
from dither_service.waiting import Places
from shared.forms import form_openapi, parse_json_object, read_form
from shared.http import binary
from shared.problems import Problem

_NO_STORE = {"cache-control": "no-store"}
_FACTS = {
    "source": {"width": 640, "height": 480, "frames": 1},
    "width": 640,
    "height": 480,
    "frames": 1,
    "bytes": 48_213,
    "format": "png",
    "colours": 2,
    "palette": [{"hex": "#000000", "share": 0.6}, {"hex": "#ffffff", "share": 0.4}],
}
_ABOUT_OPTIONS = "Options of the dither; GET /options tells them."

Answer = TypeVar("Answer")
Kind = TypeVar("Kind", bound="Wish")


class Wish(BaseModel):
    """What is asked for: of which picture, and how it is dithered."""

    model_config = ConfigDict(extra="forbid", strict=True)

    picture: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="Name of a picture that was sent before."
    )
    options: dict[str, Any] = Field(
        {}, description=_ABOUT_OPTIONS, examples=[{"algorithm": "atkinson", "channels": 2}]
    )


class PartWish(Wish):
    part: Part
    viewer: str | None = Field(
        None,
        max_length=64,
        description="Any name for who looks: a newer request of the same viewer stops older work.",
    )


def preview_router(settings: DitherSettings, previews: Previews, places: Places) -> APIRouter:
    """``places``: shared by all previews, so that they never take all threads."""
    router = APIRouter(prefix="/previews", tags=["preview"])

    async def answer(
        request: Request,
        wish: Wish,
        data: bytes | None,
        make: Callable[[Wanted, Picture], Answer],
        viewer: str | None = None,
    ) -> tuple[Picture, Answer]:
        options = parse_options(wish.options)

        def work(wanted: Wanted) -> tuple[Picture, Answer]:
            picture = _picture(previews, wish, data)
            return picture, make(wanted, picture)

        return await places.answer(request, options, work, viewer)

    @router.post(
        "/part",
        summary="A part of the picture that would be saved, as PNG",
        response_class=Response,
        responses=binary(("image/png", "image/webp")),
        openapi_extra=_openapi(PartWish),
    )
    async def part(request: Request) -> Response:
        """A part shown smaller than it is has the mean light of the pixels that it covers."""
        wish, data = await _read(request, PartWish, settings.max_upload_bytes)
        picture, (shown, image) = await answer(
            request,
            wish,
            data,
            lambda wanted, picture: previews.part(wanted, picture, wish.part),
            wish.viewer,
        )
        headers = _NO_STORE | {
            "x-dither-picture": picture.id,
            **{f"x-dither-{name}": str(shown[name]) for name in ("width", "height", "frames")},
        }
        return Response(image, media_type=shown["content_type"], headers=headers)

    @router.post(
        "/file",
        summary="The picture that would be saved, as a file",
        response_class=Response,
        responses=binary(CONTENT_TYPES),
        openapi_extra=_openapi(Wish),
    )
    async def file(request: Request) -> Response:
        wish, data = await _read(request, Wish, settings.max_upload_bytes)
        picture, encoded = await answer(request, wish, data, previews.file)
        headers = _NO_STORE | {
            "x-dither-picture": picture.id,
            "content-disposition": f'attachment; filename="dithered.{encoded.extension}"',
        }
        return Response(encoded.data, media_type=encoded.content_type, headers=headers)

    @router.post(
        "/facts",
        summary="Size, bytes and colours of the picture that would be saved",
        responses={200: {"content": {"application/json": {"example": _FACTS}}}},
        openapi_extra=_openapi(Wish),
    )
    async def facts(request: Request) -> JSONResponse:
        wish, data = await _read(request, Wish, settings.max_upload_bytes)
        picture, found = await answer(request, wish, data, previews.facts)
        return JSONResponse(found, headers=_NO_STORE | {"x-dither-picture": picture.id})

    return router


def _picture(previews: Previews, wish: Wish, data: bytes | None) -> Picture:
    if data is not None:
        return previews.hold(data)
    if wish.picture is None:
        raise Problem(422, "picture: must be an id of a picture sent before; or send its file.")
    return previews.held(wish.picture)


async def _read(request: Request, kind: type[Kind], max_bytes: int) -> tuple[Kind, bytes | None]:
    """The request's wish, and the file if it was sent too.

    The body is JSON, or a form with ``file`` and the same JSON in the field ``request``.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with read_form(request, ("request",)) as form:
            fields = form.json_object("request") or {}
            data, _ = await form.file(max_bytes)
            return _parsed(kind, fields), data
    return _parsed(kind, parse_json_object("The body", await request.body())), None


def _parsed(kind: type[Kind], fields: dict[str, Any]) -> Kind:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False)
        raise RequestValidationError(
            [{**entry, "loc": ("body", *entry["loc"])} for entry in errors]
        ) from error


def _openapi(kind: type[Wish]) -> dict[str, Any]:
    form = form_openapi(
        {
            "request": {
                "type": "string",
                "description": "The same JSON, without picture.",
                "example": '{"options": {"algorithm": "atkinson"}}',
            }
        }
    )
    content = form["requestBody"]["content"]
    schema = kind.model_json_schema()
    inlined = schema.pop("$defs", {})
    if "part" in schema["properties"]:
        schema["properties"]["part"] = inlined["Part"]
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema}, **content},
        }
    }
