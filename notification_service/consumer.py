"""Messages → use cases."""

from notification_service.service import NotificationService
from shared.kafka.processing import Handler
from shared.messages import DitherUploaded, ImageDeleted, ImageUploaded


def handlers(service: NotificationService) -> dict[str, Handler]:
    return {
        ImageUploaded.message_type: service.note_recipient,
        ImageDeleted.message_type: service.forget_recipient,
        DitherUploaded.message_type: service.note_dither,
    }
