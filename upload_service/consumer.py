"""Messages → use cases."""

from shared.kafka.processing import Handler
from shared.messages import DitherFailed, DitherRequested, DitherUploaded
from upload_service.service import UploadService


def handlers(service: UploadService) -> dict[str, Handler]:
    return {
        DitherRequested.message_type: service.note_dither_requested,
        DitherUploaded.message_type: service.note_dither_uploaded,
        DitherFailed.message_type: service.note_dither_failed,
    }
