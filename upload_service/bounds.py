"""How much an owner, and all owners together, may have stored."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.principal import Principal
from shared.problems import Problem
from upload_service.models import Dither, Image
from upload_service.settings import UploadSettings

# The sum over all images is read at most this often.
TOTAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Addition:
    """A file of ``bytes`` that the caller wants to add, under the storage key ``key``."""

    caller: Principal
    key: str
    bytes: int


class Bounds:
    """Uploads that are under way are not counted: the bounds are exceeded by those at most."""

    def __init__(
        self, settings: UploadSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._total = 0
        self._total_until = 0.0

    def check(self, session: Session, additions: Sequence[Addition]) -> None:
        """Raises ``Problem`` 413 with what is allowed."""
        self._check_total(session, sum(each.bytes for each in additions))
        bounded = [a for a in additions if a.caller.owner is not None and not a.caller.operates]
        usage = _usage(session, {str(a.caller.owner) for a in bounded}) if bounded else {}
        for addition in bounded:
            images, used = usage.get(str(addition.caller.owner), (0, 0))
            self._check_owner(addition.caller, images + 1, used + addition.bytes)

    def _check_owner(self, caller: Principal, images: int, used: int) -> None:
        most = caller.quota("images", self._settings.max_images_per_owner)
        if most and images > most:
            raise Problem(
                413, f"You may have {most:,} images, and have them: delete some, then try again."
            )
        most = caller.quota("bytes", self._settings.max_bytes_per_owner)
        if most and used > most:
            raise Problem(
                413,
                f"Your images and their dithers may take {most:,} bytes, and would take "
                f"{used:,}: delete some, then try again.",
            )

    def _check_total(self, session: Session, added: int) -> None:
        most = self._settings.max_stored_bytes
        if not most:
            return
        if self._clock() >= self._total_until:
            self._total = _total(session)
            self._total_until = self._clock() + TOTAL_SECONDS
        if self._total + added > most:
            raise Problem(
                413,
                f"All images together may take {most:,} bytes here, and they do: nothing is "
                "stored until some are deleted.",
            )
        self._total += added


def _usage(session: Session, owners: set[str]) -> dict[str, tuple[int, int]]:
    """The number of images of each owner, and the bytes of these and their dithers."""
    dithers = (
        select(func.coalesce(func.sum(Dither.bytes), 0))
        .where(Dither.image_uuid == Image.uuid)
        .scalar_subquery()
    )
    query = (
        select(Image.owner, func.count(), func.sum(Image.bytes + dithers))
        .where(Image.owner.in_(owners))
        .group_by(Image.owner)
    )
    return {str(owner): (images, int(used)) for owner, images, used in session.execute(query)}


def _total(session: Session) -> int:
    images = select(func.coalesce(func.sum(Image.bytes), 0)).scalar_subquery()
    dithers = select(func.coalesce(func.sum(Dither.bytes), 0)).scalar_subquery()
    return int(session.execute(select(images + dithers)).scalar_one())
