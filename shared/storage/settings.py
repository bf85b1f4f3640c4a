"""The variables that say where files are kept."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import BaseAddress, CloudinaryPlace, matching

_Folder = Annotated[
    str,
    matching(
        r"([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?",
        "names of letters, digits, dashes and _, with slashes between them",
    ),
]


class StorageSettings(CloudinaryPlace):
    """All three Cloudinary credentials, or none: without them, files are kept in DATA_DIR."""

    cloudinary_api_key: str | None = Field(None, description="Cloudinary API key")
    cloudinary_api_secret: SecretStr | None = Field(None, description="Cloudinary API secret")
    cloudinary_upload_prefix: BaseAddress = Field(
        "https://api.cloudinary.com", description="Where Cloudinary's upload API answers"
    )
    cloudinary_folder: _Folder = Field(
        "",
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
        self.cloudinary_api_key = self.cloudinary_api_key or self.of_url("key")
        if self.cloudinary_api_secret is None and (secret := self.of_url("secret")):
            self.cloudinary_api_secret = SecretStr(secret)
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
