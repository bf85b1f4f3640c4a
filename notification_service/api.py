"""HTTP → use cases."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from notification_service import pages, schemas
from notification_service.links import Action, BadLink, Links
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.health import Health
from shared.http import BodyLimit, create_app
from shared.principal import Reader
from shared.problem_schema import refusal
from shared.problems import Problem

MAX_BODY_BYTES = 64 * 1024
_HTML = {"text/html": {"example": "<!doctype html>…"}}
_GONE = refusal("The link does not work, or what it was for is gone")
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": _HTML},
    404: {**_GONE, "content": {**_GONE["content"], **_HTML}},
}


def create_api(
    settings: NotificationSettings, service: NotificationService, links: Links, health: Health
) -> FastAPI:
    app = create_app("Notification service", health, settings)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)

    @app.get("/notifications/{uuid}", tags=["notifications"], summary="The mails about an image")
    def get_notifications(uuid: UUID, caller: Reader) -> schemas.ImageNotifications:
        """For the image's owner, if an address was left; 404 once it is deleted."""
        return service.get_notifications(uuid, caller)

    @app.get(
        "/mail/{action}/{token}",
        tags=["mail"],
        summary="The page behind a link in a mail",
        response_class=HTMLResponse,
        responses=_PAGE,
    )
    def ask(action: Action, token: str) -> HTMLResponse:
        """A page with a button; nothing is done yet."""
        try:
            links.read(action, token)
        except BadLink:
            return pages.bad_link()
        return pages.question(action)

    @app.post(
        "/mail/{action}/{token}",
        tags=["mail"],
        summary="Do what a link in a mail is for",
        response_class=HTMLResponse,
        responses=_PAGE,
    )
    def do(action: Action, token: str) -> HTMLResponse:
        """Confirm an address, unsubscribe it (RFC 8058), or delete an image."""
        try:
            subject = links.read(action, token)
        except BadLink:
            return pages.bad_link()
        match action:
            case "confirm":
                service.confirm(subject)
            case "unsubscribe":
                service.unsubscribe(subject)
                return pages.done(action, undo_url=links.url("confirm", subject))
            case "delete":
                try:
                    service.delete_image(UUID(subject))
                except Problem:
                    return pages.gone()
        return pages.done(action)

    return app
