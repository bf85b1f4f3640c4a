"""HTTP → use cases."""

import time
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Query, Request, status
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from shared.forms import read_form
from shared.health import Health
from shared.http import PICTURE, BodyLimit, create_app
from shared.principal import Caller, install_principals
from shared.problems import Problem
from shared.slots import Slots
from shared.storage import Storage
from upload_service import schemas
from upload_service.conditional import client_has
from upload_service.events import ImageEvents
from upload_service.files import file_response
from upload_service.form import FIELDS, OPENAPI, read_upload
from upload_service.service import UploadService
from upload_service.settings import UploadSettings

# The size of multipart framing and the small fields, in addition to the file.
FORM_OVERHEAD_BYTES = 64 * 1024
# Each upload holds a file in memory and a thread until storage and database are done.
MAX_UPLOADS = 8
UPLOAD_WAIT_SECONDS = 2.0
_EVENTS = 'event: image\ndata: {"uuid": "9b2e7c1a-4a5d-4f0e-8a57-0c2f6f1d3b90", ...}\n\n'
NO_STORE = {"cache-control": "no-store"}


def create_api(
    settings: UploadSettings,
    service: UploadService,
    storage: Storage,
    events: ImageEvents,
    health: Health,
) -> FastAPI:
    app = create_app("Upload service", health)
    install_principals(app, settings)
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes + FORM_OVERHEAD_BYTES)
    places = Slots(
        MAX_UPLOADS,
        wait_seconds=UPLOAD_WAIT_SECONDS,
        busy="Too many uploads at once; please try again.",
    )

    @app.post(
        "/images",
        status_code=status.HTTP_201_CREATED,
        response_model=schemas.Image,
        tags=["images"],
        summary="Upload an image",
        openapi_extra=OPENAPI,
    )
    async def upload_image(request: Request, caller: Caller) -> Response:
        """The type is told by the content. Its first dither is made at once."""
        async with read_form(request, FIELDS) as form:
            arrived = time.monotonic()
            async with places.taken():
                upload = await read_upload(form, settings.max_upload_bytes, caller.owner)
                image = await run_in_threadpool(service.upload_image, upload, arrived)
        return _json(image, 201, {"location": f"/images/{image.uuid}"})

    @app.get("/images", tags=["images"], summary="List images, newest first")
    def list_images(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> schemas.ImagePage:
        return service.list_images(limit, cursor)

    @app.get(
        "/images/{uuid}",
        response_model=schemas.Image,
        tags=["images"],
        summary="An image and its dithers",
    )
    def get_image(uuid: UUID, request: Request) -> Response:
        image, version = service.get_image(uuid)
        headers = {"etag": f'"{version}"', "cache-control": "no-cache"}
        if client_has(request, headers["etag"]):
            return Response(status_code=304, headers=headers)
        return _json(image, 200, headers)

    @app.delete(
        "/images/{uuid}",
        status_code=status.HTTP_204_NO_CONTENT,
        response_class=Response,
        tags=["images"],
        summary="Delete an image, its dithers and its files",
    )
    def delete_image(uuid: UUID) -> Response:
        service.delete_image(uuid)
        return Response(status_code=204)

    @app.get(
        "/images/{uuid}/events",
        tags=["images"],
        summary="Follow an image (server-sent events)",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"example": _EVENTS}}}},
    )
    async def follow_image(uuid: UUID) -> StreamingResponse:
        """`image` with the image's JSON, at once and at each change; `deleted` when it goes."""
        stream = await events.watch(uuid)
        return StreamingResponse(stream, media_type="text/event-stream", headers=NO_STORE)

    @app.get("/recipients/{uuid}", include_in_schema=False)
    def tell_recipient(uuid: UUID, caller: Caller) -> schemas.Recipient:
        """Asked by the notification service; the gateway has no route to it."""
        if not caller.operates:
            raise Problem(404, f"No address is known for the image {uuid}.")
        return service.tell_recipient(uuid)

    @app.get(
        "/files/{key:path}",
        tags=["files"],
        summary="A stored file",
        response_class=Response,
        responses=PICTURE,
    )
    def get_file(key: str, request: Request) -> Response:
        """Only where files are kept on local disk; Cloudinary serves its own."""
        return file_response(storage, key, request)

    return app


def _json(image: schemas.Image, status_code: int, headers: dict[str, str]) -> Response:
    return Response(
        image.model_dump_json(),
        status_code=status_code,
        headers=headers,
        media_type=JSONResponse.media_type,
    )
