"""HTTP → use cases."""

from uuid import UUID

from fastapi import FastAPI

from notification_service import schemas
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.health import Health
from shared.http import BodyLimit, create_app
from shared.principal import Reader, install_principals

MAX_BODY_BYTES = 64 * 1024


def create_api(
    settings: NotificationSettings, service: NotificationService, health: Health
) -> FastAPI:
    app = create_app("Notification service", health)
    install_principals(app, settings)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)

    @app.get("/notifications/{uuid}", tags=["notifications"], summary="The mails about an image")
    def get_notifications(uuid: UUID, caller: Reader) -> schemas.ImageNotifications:
        """For the image's owner, if an address was left; 404 once it is deleted."""
        return service.get_notifications(uuid, caller)

    return app
