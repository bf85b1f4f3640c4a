"""Messages → use cases."""

from dither_service.service import DitherService
from shared.kafka.processing import Handler
from shared.messages import DitherRequested, ImageDeleted, ImageUploaded


def handlers(service: DitherService) -> dict[str, Handler]:
    return {
        ImageUploaded.message_type: service.dither_uploaded_image,
        ImageDeleted.message_type: service.delete_dithers,
        DitherRequested.message_type: service.dither_requested,
    }
