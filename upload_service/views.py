"""What a caller is shown of an image: its owner all of it, who has the link what is meant for all.

Where access is not open, originals are reached by signed links that end.
"""

from typing import Any

from shared.principal import Principal
from shared.redaction import without_own_values
from shared.signing import Links
from shared.storage import FILES
from upload_service import models, schemas
from upload_service.settings import UploadSettings

ORIGINALS = "images/"  # how the storage keys of originals begin
LINK_SECONDS = 3600
# As long as Kafka keeps messages by default, so that whoever reads one can fetch the file.
MESSAGE_LINK_SECONDS = 7 * 86_400


class Views:
    def __init__(self, settings: UploadSettings) -> None:
        self._settings = settings
        self._links = None if settings.is_open else Links(settings.secret)

    def shown(self, image: models.Image, caller: Principal) -> schemas.Image:
        shown = schemas.Image.model_validate(image)
        if image.has_more_dithers:
            shown.dithers_url = self._settings.public_link(f"/dithers/{image.uuid}")
        if not caller.owns(image.owner):
            return shown.model_copy(update=_without_secrets(shown))
        url = self.message_url(image) if caller.operates else self._owners_url(image)
        return shown.model_copy(update={"url": url})

    def message_url(self, image: models.Image) -> str:
        """Where services and operators get the original."""
        if self._links is None or not image.url.startswith(FILES):
            return self._settings.public_link(image.url)
        return self._settings.public_link(self._links.sign(image.url, MESSAGE_LINK_SECONDS))

    def _owners_url(self, image: models.Image) -> str:
        # With Cloudinary too: its links that end are not served with the fields of CORS.
        assert self._links is not None, "where access is open, everybody operates"
        return self._settings.public_link(self._links.sign(FILES + image.key, LINK_SECONDS))

    def may_fetch(self, key: str, query: str) -> bool:
        """Whether a request for the file of ``key`` with this query string is answered."""
        if self._links is None or not key.startswith(ORIGINALS):
            return True
        return self._links.is_valid(FILES + key, query)

    def cache_control(self, key: str) -> str:
        """The bytes under a key never change, although the file may be deleted."""
        if self._links is None or not key.startswith(ORIGINALS):
            return "public, max-age=31536000, immutable"
        return f"private, max-age={LINK_SECONDS}, immutable"


def _without_secrets(image: schemas.Image) -> dict[str, Any]:
    """The fields that are not for whoever has the link."""
    dithers = [
        d.model_copy(update={"options": without_own_values(d.options or {}), "reason": None})
        for d in image.dithers
    ]
    return {"url": None, "filename": None, "owner": None, "dithers": dithers}
