"""Messages → use cases."""

from shared.kafka.processing import Handlers
from shared.messages import DitherFailed, DitherRequested, DitherUploaded
from upload_service.service import UploadService


def handlers(service: UploadService) -> Handlers:
    return dict.fromkeys((DitherRequested, DitherUploaded, DitherFailed), service.note_dithers)
