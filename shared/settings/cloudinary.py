"""Which of Cloudinary's product environments is used; the gateway asks for this much only."""

import re
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.settings.base import Settings
from shared.settings.kinds import BaseAddress, matching

_URL = re.compile(
    r"cloudinary://(?P<key>[^:@/?\s]+):(?P<secret>[^:@/?\s]+)@(?P<name>[A-Za-z0-9_-]+)([/?]\S*)?"
)
_CloudName = Annotated[str, matching(r"[A-Za-z0-9_-]+", "letters, digits, dashes and _")]


class CloudinaryPlace(Settings):
    """Its name, which may come from ``CLOUDINARY_URL``, and where it serves the files."""

    cloudinary_url: SecretStr | None = Field(
        None,
        description="The three credentials in one, as Cloudinary shows it and Heroku sets it: "
        "cloudinary://key:secret@name; single ones go first",
    )
    cloudinary_cloud_name: _CloudName | None = Field(
        None, description="Name of the Cloudinary product environment; unset: files on local disk"
    )
    cloudinary_delivery_url: BaseAddress = Field(
        "https://res.cloudinary.com", description="Where Cloudinary serves the stored files"
    )

    @field_validator("cloudinary_url")
    @classmethod
    def _has_three_parts(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and _URL.fullmatch(url.get_secret_value()) is None:
            raise ValueError("must be like cloudinary://key:secret@name")
        return url

    @model_validator(mode="after")
    def _name_is_in_the_url(self) -> Self:
        self.cloudinary_cloud_name = self.cloudinary_cloud_name or self.of_url("name")
        return self

    def of_url(self, part: str) -> str | None:
        """``key``, ``secret`` or ``name`` from CLOUDINARY_URL, if that is set."""
        url = None if self.cloudinary_url is None else self.cloudinary_url.get_secret_value()
        match = _URL.fullmatch(url or "")
        return match[part] if match else None
