"""HTTP → downloads of stored dithers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dither_engine.formats import CONTENT_TYPES, FORMATS
from dither_service.download import Downloads
from dither_service.one_call import OneCall
from shared.conditional import client_has
from shared.filenames import content_disposition
from shared.http import NOT_MODIFIED, binary, until_gone
from shared.principal import Reader
from shared.problem_schema import refusal


def download_router(downloads: Downloads, one_call: OneCall) -> APIRouter:
    """Conversions take their turn with the calls of POST /dither, and have the same bounds."""
    router = APIRouter(tags=["dithers"])

    @router.get(
        "/images/{uuid}/{dither_id}",
        summary="Download a dither, in any format",
        response_class=Response,
        responses={
            **binary(CONTENT_TYPES),
            **NOT_MODIFIED,
            409: refusal("This dither is not done"),
        },
    )
    async def download_dither(
        uuid: UUID,
        dither_id: UUID,
        request: Request,
        caller: Reader,
        form: Annotated[
            str | None,
            Query(
                alias="format",
                description="Another format than the stored one.",
                json_schema_extra={"enum": [*FORMATS]},
            ),
        ] = None,
    ) -> Response:
        """With `format` it is converted for this answer: nothing is stored, nobody gets a mail.
        The file has the name of the original, if that is yours."""
        found = await run_in_threadpool(downloads.find, uuid, dither_id, form, caller)
        headers = {"etag": found.etag, "cache-control": "private, no-cache"}
        if client_has(request, found.etag):
            return Response(status_code=304, headers=headers)
        data = await run_in_threadpool(downloads.fetch, found)
        if not found.is_stored:
            made = await until_gone(request, one_call.dither(data, found.options))
            data = made.data
        headers["content-disposition"] = content_disposition(found.filename, "attachment")
        return Response(data, media_type=found.content_type, headers=headers)

    return router
