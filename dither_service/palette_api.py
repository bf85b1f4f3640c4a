"""HTTP → the colours of a palette file, for clients that do not read such files themselves."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from dither_engine import EngineError
from dither_engine.palette_files import colours_of_file
from dither_engine.palettes import normal_colours
from dither_service.settings import DitherSettings
from shared.forms import form_openapi, read_form
from shared.problems import Problem
from shared.slots import Slots

_MAX_PIXELS = 4_000_000  # of a picture of a palette


class PaletteColours(BaseModel):
    """The colours in their order, as the option ``palette`` takes them."""

    model_config = ConfigDict(json_schema_extra={"example": {"colours": ["#0f380f", "#9bbc0f"]}})

    colours: list[str]


def palette_router(settings: DitherSettings, places: Slots) -> APIRouter:
    """``places``: shared with the previews."""
    router = APIRouter(prefix="/previews", tags=["preview"])

    @router.post(
        "/palette",
        summary="The colours of a palette file or picture",
        openapi_extra=form_openapi({}),
    )
    async def palette(request: Request) -> PaletteColours:
        """Reads .hex, .gpl, .pal, .ase and .txt files, and pictures of at most 256 colours."""
        async with read_form(request, ()) as form, places.taken():
            data, _ = await form.file(settings.max_upload_bytes)
            return PaletteColours(colours=await run_in_threadpool(_colours, data))

    return router


def _colours(data: bytes) -> list[str]:
    try:
        return normal_colours(colours_of_file(data, max_pixels=_MAX_PIXELS))
    except EngineError as error:
        raise Problem(422, str(error)) from error
