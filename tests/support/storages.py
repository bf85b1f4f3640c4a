"""The real Cloudinary storage, connected to the test server."""

from shared.storage.cloudinary import CloudinaryStorage
from tests.support.cloudinary_server import CloudinaryServer


def cloudinary_storage(
    server: CloudinaryServer,
    *,
    folder: str = "",
    timeout_seconds: float = 5.0,
    api_secret: str | None = None,
    private_originals: bool = False,
) -> CloudinaryStorage:
    """A storage with the server's account; `api_secret` may be wrong on purpose."""
    environment = server.environment()
    return CloudinaryStorage(
        cloud_name=environment["CLOUDINARY_CLOUD_NAME"],
        api_key=environment["CLOUDINARY_API_KEY"],
        api_secret=api_secret or environment["CLOUDINARY_API_SECRET"],
        upload_prefix=environment["CLOUDINARY_UPLOAD_PREFIX"],
        delivery_url=environment["CLOUDINARY_DELIVERY_URL"],
        folder=folder,
        timeout_seconds=timeout_seconds,
        private_originals=private_originals,
    )
