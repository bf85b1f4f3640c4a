"""The variables that say where files are kept."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import Settings


class StorageSettings(Settings):
    """All three Cloudinary credentials, or none: without them, files are kept in DATA_DIR."""

    cloudinary_cloud_name: str | None = Field(
        None, description="Name of the Cloudinary product environment; unset: files on local disk"
    )
    cloudinary_api_key: str | None = Field(None, description="Cloudinary API key")
    cloudinary_api_secret: SecretStr | None = Field(None, description="Cloudinary API secret")
    cloudinary_upload_prefix: str = Field(
        "https://api.cloudinary.com", description="Where Cloudinary's upload API answers"
    )
    cloudinary_delivery_url: str = Field(
        "https://res.cloudinary.com", description="Where Cloudinary serves the stored files"
    )
    cloudinary_folder: str = Field(
        "",
        pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$",
        description="Folder of Cloudinary in which all files are put; empty: none",
    )
    storage_timeout_seconds: float = Field(
        8.0, gt=0, description="How long one call to Cloudinary may take"
    )
    data_dir: Path = Field(
        Path("data"), description="Directory for files, mails and databases kept on this machine"
    )

    @property
    def uses_cloudinary(self) -> bool:
        return self.cloudinary_cloud_name is not None

    @model_validator(mode="after")
    def _all_credentials_or_none(self) -> Self:
        credentials = {
            "CLOUDINARY_CLOUD_NAME": self.cloudinary_cloud_name,
            "CLOUDINARY_API_KEY": self.cloudinary_api_key,
            "CLOUDINARY_API_SECRET": self.cloudinary_api_secret,
        }
        missing = [name for name, value in credentials.items() if value is None]
        if 0 < len(missing) < len(credentials):
            raise ValueError(
                f"{' and '.join(missing)} must be set as well; set all of "
                f"{', '.join(credentials)}, or none of them to keep files on local disk"
            )
        return self
