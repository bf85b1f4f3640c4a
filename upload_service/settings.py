"""The settings of the upload service, all of them environment variables."""

from pydantic import Field

from shared.settings import OwnerSettings, ServiceSettings
from shared.storage.settings import StorageSettings


class UploadSettings(ServiceSettings, OwnerSettings, StorageSettings):
    port: int = Field(8001, ge=1, le=65535, description="Port to listen on")
    max_upload_bytes: int = Field(
        20 * 1024 * 1024, ge=1, description="Largest file that may be uploaded, in bytes"
    )
    max_pixels: int = Field(
        50_000_000, ge=1, description="Most pixels (width × height) an image may have"
    )
    keep_metadata: bool = Field(
        False, description="Store originals with place, camera, comments and so on, as they came"
    )
    max_inspection_bytes: int = Field(
        480 * 1024 * 1024, ge=1, description="Most memory that the check of a file may take"
    )
    max_frames: int = Field(500, ge=1, description="Most frames an animation may have")
    max_images_per_owner: int = Field(
        1000, ge=0, description="Most images of one owner; 0: no bound (a key's quota goes first)"
    )
    max_stored_bytes: int = Field(
        20 * 1024**3,
        ge=0,
        description="Most bytes of all images and dithers together; 0: no bound",
    )
    anonymous_retention_days: float = Field(
        30, gt=0, description="Images of people without an API key are deleted after this"
    )
    event_poll_seconds: float = Field(
        0.5, gt=0, description="How often changes made by other replicas are looked for"
    )
    max_event_streams: int = Field(
        500, ge=0, description="Most clients that may follow images' events at once"
    )
