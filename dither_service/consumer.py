"""Messages → use cases."""

from dither_service.service import DitherService
from shared.kafka.processing import Handlers
from shared.messages import DitherRequested, ImageDeleted, ImageUploaded


def handlers(service: DitherService) -> Handlers:
    return {
        ImageUploaded: service.dither_images,
        DitherRequested: service.dither_images,
        ImageDeleted: service.delete_dithers,
    }
