"""HTTP → use cases."""

import time
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Query, Request, status
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from shared.conditional import client_has
from shared.filenames import content_disposition
from shared.forms import read_form
from shared.health import Health
from shared.http import NOT_MODIFIED, BodyLimit, binary, create_app
from shared.principal import Creator, Reader, Writer
from shared.problem_schema import refusal
from shared.problems import Problem
from shared.signing import Identities
from shared.slots import Slots
from shared.storage import Storage
from upload_service import schemas
from upload_service.events import ImageEvents
from upload_service.files import TYPES, Files
from upload_service.form import FIELDS, OPENAPI, read_upload
from upload_service.inspection import FORMATS
from upload_service.service import UploadService
from upload_service.settings import UploadSettings

# The size of multipart framing and the small fields, in addition to the file.
FORM_OVERHEAD_BYTES = 64 * 1024
# Each upload holds a file in memory and a thread until storage and database are done.
MAX_UPLOADS = 8
UPLOAD_WAIT_SECONDS = 2.0
MAX_FETCHES = 16
FETCH_WAIT_SECONDS = 5.0
_EVENTS = 'event: image\ndata: {"uuid": "9b2e7c1a-4a5d-4f0e-8a57-0c2f6f1d3b90", ...}\n\n'
_STORED_FILE = {
    **binary(TYPES.values()),
    **NOT_MODIFIED,
    206: {"description": "The part that Range asks for"},
    416: {"description": "The file does not have the part that Range asks for"},
}
# What is shown depends on the caller: shared caches may not keep it.
PRIVATE = {"cache-control": "private, no-cache"}
NO_STORE = {"cache-control": "no-store"}


def create_api(
    settings: UploadSettings,
    service: UploadService,
    storage: Storage,
    events: ImageEvents,
    health: Health,
) -> FastAPI:
    app = create_app("Upload service", health, settings)
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes + FORM_OVERHEAD_BYTES)
    places = Slots(
        MAX_UPLOADS,
        wait_seconds=UPLOAD_WAIT_SECONDS,
        busy="Too many uploads at once; please try again.",
    )
    # Each may hold a file in memory while Cloudinary sends it.
    fetches = Slots(MAX_FETCHES, wait_seconds=FETCH_WAIT_SECONDS, busy="Too many files at once.")
    files = Files(settings, service, storage)
    identities = Identities(settings.secret)

    @app.post(
        "/images",
        status_code=status.HTTP_201_CREATED,
        response_model=schemas.NewImage,
        tags=["images"],
        summary="Upload an image",
        responses={409: refusal("An upload with this Idempotency-Key is under way")},
        openapi_extra=OPENAPI,
    )
    async def upload_image(request: Request, caller: Creator) -> Response:
        """The type is told by the content. Its first dither is made at once."""
        key = request.headers.get("idempotency-key")
        async with read_form(request, FIELDS) as form:
            arrived = time.monotonic()
            async with places.taken():
                upload = await read_upload(form, settings.max_upload_bytes, caller, key)
                image = await run_in_threadpool(service.upload_image, upload, arrived)
        if caller.owner is not None and caller.is_new:
            token = identities.issue(caller.owner)
            image = schemas.NewImage(**dict(image), manage_token=token)
        return _json(image, 201, {"location": f"/images/{image.uuid}", **PRIVATE})

    @app.get("/images", tags=["images"], summary="List images, newest first")
    def list_images(
        caller: Reader,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> schemas.ImagePage:
        """Your own; of somebody without an identity, none."""
        response.headers.update(PRIVATE)
        return service.list_images(limit, cursor, caller)

    @app.get(
        "/images/{uuid}",
        response_model=schemas.Image,
        responses=NOT_MODIFIED,
        tags=["images"],
        summary="An image and its dithers",
    )
    def get_image(uuid: UUID, request: Request, caller: Reader) -> Response:
        """Whoever has the link sees it, but only its owner the original and its name."""
        image, version = service.get_image(uuid, caller)
        # What is shown depends on the caller, and links to originals change.
        view = sha256(image.model_dump_json().encode()).hexdigest()[:16]
        headers = {"etag": f'"{version}-{view}"', **PRIVATE}
        if client_has(request, headers["etag"]):
            return Response(status_code=304, headers=headers)
        return _json(image, 200, headers)

    @app.get(
        "/images/{uuid}/file",
        tags=["images"],
        summary="Download the original",
        response_class=Response,
        responses=binary(content_type for content_type, _ in FORMATS.values()),
    )
    async def get_original(uuid: UUID, caller: Reader) -> Response:
        """The file as it was sent, under its name. For others than its owner there is none."""
        async with fetches.taken():
            image, data = await run_in_threadpool(service.get_original, uuid, caller)
        disposition = content_disposition(image.filename or str(uuid), "attachment")
        headers = {"content-disposition": disposition, "x-content-type-options": "nosniff"}
        return Response(data, media_type=image.content_type, headers=headers | NO_STORE)

    @app.delete(
        "/images/{uuid}",
        status_code=status.HTTP_204_NO_CONTENT,
        response_class=Response,
        tags=["images"],
        summary="Delete an image, its dithers and its files",
    )
    def delete_image(uuid: UUID, caller: Writer) -> Response:
        """For others than its owner there is no such image."""
        service.delete_image(uuid, caller)
        return Response(status_code=204)

    @app.get(
        "/images/{uuid}/events",
        tags=["images"],
        summary="Follow an image (server-sent events)",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"example": _EVENTS}}}},
    )
    async def follow_image(uuid: UUID, caller: Reader) -> StreamingResponse:
        """`image` with the image's JSON, at once and at each change; `deleted` when it goes."""
        stream = await events.watch(uuid, caller)
        return StreamingResponse(stream, media_type="text/event-stream", headers=NO_STORE)

    @app.get("/recipients/{uuid}", include_in_schema=False)
    def tell_recipient(uuid: UUID, caller: Reader) -> schemas.Recipient:
        """Asked by the notification service; the gateway has no route to it."""
        if not caller.operates:
            raise Problem(404, f"No address is known for the image {uuid}.")
        return service.tell_recipient(uuid)

    @app.get(
        "/files/{key:path}",
        tags=["files"],
        summary="A stored file",
        response_class=Response,
        responses=_STORED_FILE,
    )
    async def get_file(key: str, request: Request) -> Response:
        """Files on local disk or S3, originals with a signed link; Cloudinary serves the others."""
        async with fetches.taken():
            return await run_in_threadpool(files.respond, key, request)

    return app


def _json(image: schemas.Image, status_code: int, headers: dict[str, str]) -> Response:
    return Response(
        image.model_dump_json(),
        status_code=status_code,
        headers=headers,
        media_type=JSONResponse.media_type,
    )
