"""The variables that say where files are kept."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import BaseAddress, CloudinaryPlace, Settings, matching

_Folder = Annotated[
    str,
    matching(
        r"([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?",
        "names of letters, digits, dashes and _, with slashes between them",
    ),
]


_Bucket = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "the name of a bucket: 3 to 63 small letters, digits, dashes and dots",
    ),
]


class S3Settings(Settings):
    """Where the bucket is, and its keys: both, or none to use those of the machine."""

    s3_bucket: _Bucket | None = Field(None, description="Name of the S3 bucket; it may be private")
    s3_endpoint: BaseAddress | None = Field(
        None,
        description="Where another service than AWS answers (MinIO, R2, B2, Garage): "
        "https://s3.example.org",
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket; of R2: auto")
    s3_prefix: _Folder = Field("", description="What the names of all objects begin with")
    s3_path_style: bool | None = Field(
        None,
        description="true: the bucket is in the path, false: in the host's name; "
        "unset: in the path where S3_ENDPOINT is set",
    )
    s3_access_key_id: str | None = Field(
        None,
        description="Access key; unset: the credentials of the machine (AWS_*, web identity, role)",
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret of the access key")

    @model_validator(mode="after")
    def _both_keys_or_none(self) -> Self:
        if (self.s3_access_key_id is None) != (self.s3_secret_access_key is None):
            raise ValueError("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set together")
        return self


class CloudinarySettings(CloudinaryPlace):
    """All three credentials, or none."""

    cloudinary_api_key: str | None = Field(None, description="Cloudinary API key")
    cloudinary_api_secret: SecretStr | None = Field(None, description="Cloudinary API secret")
    cloudinary_upload_prefix: BaseAddress = Field(
        "https://api.cloudinary.com", description="Where Cloudinary's upload API answers"
    )
    cloudinary_folder: _Folder = Field(
        "",
        description="Folder of Cloudinary in which all files are put; empty: none",
    )

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


class StorageSettings(CloudinarySettings, S3Settings):
    storage: Literal["cloudinary", "s3", "local"] | None = Field(
        None,
        description="cloudinary, s3, or local (files in DATA_DIR); "
        "unset: cloudinary if its credentials are set, else local",
    )
    storage_timeout_seconds: float = Field(
        8.0, gt=0, description="How long one call to Cloudinary or S3 may take"
    )
    data_dir: Path = Field(
        Path("data"), description="Directory for files, mails and databases kept on this machine"
    )

    @property
    def chosen_storage(self) -> Literal["cloudinary", "s3", "local"]:
        return self.storage or ("cloudinary" if self.cloudinary_cloud_name else "local")

    @model_validator(mode="after")
    def _chosen_has_its_variables(self) -> Self:
        if self.storage == "s3" and self.s3_bucket is None:
            raise ValueError("S3_BUCKET must be set when STORAGE is s3")
        if self.storage == "cloudinary" and self.cloudinary_cloud_name is None:
            raise ValueError("CLOUDINARY_URL must be set when STORAGE is cloudinary")
        return self
