"""The real storages, connected to the test servers."""

from shared.storage.cloudinary import CloudinaryStorage
from shared.storage.s3 import S3Storage
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.s3_server import S3Server


def cloudinary_storage(
    server: CloudinaryServer,
    *,
    folder: str = "",
    timeout_seconds: float = 5.0,
    api_secret: str | None = None,
    private_originals: bool = False,
    private_cdn: bool = False,
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
        private_cdn=private_cdn,
    )


def s3_storage(
    server: S3Server,
    bucket: str,
    *,
    prefix: str = "",
    timeout_seconds: float = 5.0,
    secret_access_key: str | None = None,
    endpoint: str | None = None,
) -> S3Storage:
    """A storage in a bucket of the server; the secret and the endpoint may be wrong on purpose."""
    return S3Storage(
        bucket=bucket,
        endpoint=endpoint or server.url,
        prefix=prefix,
        path_style=True,
        access_key_id=server.access_key_id,
        secret_access_key=secret_access_key or server.secret_access_key,
        timeout_seconds=timeout_seconds,
    )
