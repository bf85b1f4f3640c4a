"""Put a mail together from its row, its image's row and the stored file."""

import logging
from email.message import EmailMessage

from notification_service.email import Dithered, Envelope, write_confirmation, write_dithered
from notification_service.links import Links
from notification_service.look import in_words
from notification_service.models import CONFIRMATION, Notification, Recipient
from notification_service.settings import NotificationSettings
from notification_service.thumbnail import thumbnail
from shared.storage import Storage, StorageError

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 16 * 1024 * 1024  # of a file that a thumbnail is made of


class Composer:
    def __init__(self, settings: NotificationSettings, storage: Storage, links: Links) -> None:
        self._settings = settings
        self._storage = storage
        self._links = links

    def compose(self, mail: Notification, recipient: Recipient) -> EmailMessage:
        """Raises ``UnusableAddress`` if no mail can go to the address."""
        assert recipient.email is not None
        assert mail.address_digest is not None
        envelope = Envelope(
            sender=self._settings.mail_from,
            recipient=recipient.email,
            mail_id=mail.dither_id,
            written_at=mail.created_at,
            unsubscribe_url=self._links.url("unsubscribe", mail.address_digest),
        )
        if mail.kind == CONFIRMATION:
            return write_confirmation(envelope, self._links.url("confirm", mail.address_digest))
        return write_dithered(envelope, self._dithered(mail, recipient))

    def _dithered(self, mail: Notification, recipient: Recipient) -> Dithered:
        assert mail.url_dither is not None
        options = mail.options or {}
        levels = {} if mail.channels is None else {"channels": mail.channels}
        return Dithered(
            filename=recipient.filename or "image",
            url=self._settings.public_link(self._settings.without_origin(mail.url_dither)),
            again_url=self._links.again(mail.image_uuid, options),
            delete_url=self._links.url("delete", str(mail.image_uuid)),
            settings=in_words({**levels, **options}),
            ends_at=recipient.ends_at,
            thumbnail=self._thumbnail(mail.url_dither),
        )

    def _thumbnail(self, url: str) -> bytes | None:
        """None also where the file cannot be had now: the mail matters more than its picture."""
        try:
            return thumbnail(self._storage.fetch(url, max_bytes=MAX_FILE_BYTES))
        except StorageError as error:
            logger.info("a mail goes without its picture", extra={"reason": str(error)})
            return None
