"""A stored dither as a file with a name, as it is or converted to another format.

A conversion dithers the original again, with the options of the dither and the other format: so it
is exactly what a dither in that format would be, also where the format has the inks' numbers.
"""

from dataclasses import dataclass
from uuid import UUID

from dither_engine import Options, __version__
from dither_engine.formats import FORMATS
from dither_service import models, repository
from dither_service.choices import parse_options
from dither_service.settings import DitherSettings
from dither_service.upload_client import Uploads
from shared.database import Database
from shared.filenames import with_extension
from shared.principal import Principal
from shared.problems import Problem
from shared.storage import FileMissingError, Storage, StorageRefusedError


@dataclass(frozen=True, slots=True)
class Download:
    """options: with the format that is wanted. is_stored: the storage has that very file."""

    url: str
    max_bytes: int
    options: Options
    filename: str
    etag: str
    is_stored: bool

    @property
    def content_type(self) -> str:
        return FORMATS[self.options.format].content_type


class Downloads:
    def __init__(
        self, settings: DitherSettings, database: Database, storage: Storage, uploads: Uploads
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._uploads = uploads

    def find(self, uuid: UUID, dither_id: UUID, form: str | None, caller: Principal) -> Download:
        """Raises ``Problem``: 404, 409 for a dither that is not done, 422 for the format."""
        with self._database.transaction() as session:
            dither = repository.find_dither(session, dither_id)
            image = repository.find_image(session, uuid)
        if dither is None or dither.image_uuid != uuid or image is None:
            raise Problem(404, "This image has no such dither.")
        if dither.status != models.DONE:
            raise Problem(409, f"This dither is {dither.status}; only one that is done has a file.")
        stored = parse_options(dither.options)
        options = stored if form is None else parse_options({**dither.options, "format": form})
        is_stored = options.digest() == stored.digest()
        return Download(
            url=(dither.url if is_stored else image.url) or "",
            max_bytes=(dither.bytes if is_stored else None) or self._settings.max_upload_bytes,
            options=options,
            filename=with_extension(self._name(uuid, caller), FORMATS[options.format].suffix),
            etag=f'"{dither_id.hex}-{options.format}-{__version__}"',
            is_stored=is_stored,
        )

    def fetch(self, download: Download) -> bytes:
        """The stored file, or the original to convert. Raises ``Problem`` 404."""
        try:
            return self._storage.fetch(download.url, max_bytes=download.max_bytes)
        except (FileMissingError, StorageRefusedError) as error:
            raise Problem(404, "The file is gone.") from error

    def _name(self, uuid: UUID, caller: Principal) -> str:
        """The original's name for its owner; for others the image's uuid."""
        original = self._uploads.find_original(uuid)
        if original is None:
            raise Problem(404, "This image has no such dither.")
        name = original.filename if caller.owns(original.owner) else None
        return name or str(uuid)
