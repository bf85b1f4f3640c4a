"""Messages → use cases."""

from notification_service.service import NotificationService
from shared.kafka.processing import Handlers
from shared.messages import DitherUploaded, ImageDeleted, ImageUploaded


def handlers(service: NotificationService) -> Handlers:
    return {
        ImageUploaded: service.note_recipients,
        ImageDeleted: service.forget_recipients,
        DitherUploaded: service.note_dithers,
    }
