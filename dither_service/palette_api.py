"""HTTP → the colours of a palette file, for clients that do not read such files themselves."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from dither_engine import Options
from dither_service.preview import Previews
from dither_service.settings import DitherSettings
from dither_service.waiting import Places
from shared.forms import read_form

_FILE = {
    "type": "string",
    "format": "binary",
    "description": "A palette file, or a picture of at most 256 colours.",
    "example": "#0f380f\n#9bbc0f\n",
}
_SCHEMA = {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
_FORM = {"multipart/form-data": {"schema": _SCHEMA}}


class PaletteColours(BaseModel):
    """The colours in their order, as the option ``palette`` takes them."""

    model_config = ConfigDict(json_schema_extra={"example": {"colours": ["#0f380f", "#9bbc0f"]}})

    colours: list[str]


def palette_router(settings: DitherSettings, previews: Previews, places: Places) -> APIRouter:
    """``places``: shared with the previews."""
    router = APIRouter(prefix="/previews", tags=["preview"])

    @router.post(
        "/palette",
        summary="The colours of a palette file or picture",
        openapi_extra={"requestBody": {"required": True, "content": _FORM}},
    )
    async def palette(request: Request) -> PaletteColours:
        """Reads .hex, .gpl, .pal, .ase and .txt files, and pictures of at most 256 colours."""
        async with read_form(request, ()) as form:
            data, _ = await form.file(settings.max_upload_bytes)
        colours = await places.answer(
            request, Options(), lambda wanted: previews.palette(wanted, data)
        )
        return PaletteColours(colours=colours)

    return router
