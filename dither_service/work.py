"""Messages → the queue: write what is to be done into the tables, in one transaction a batch.

Then the messages are settled. The work itself is done by the dispatcher; if only little is waiting,
the jobs of a batch are claimed in the same transaction and handed to it at once.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from dither_engine import EngineError, Options
from dither_engine.cost import Size, check_cost
from dither_service import models, queue, repository
from dither_service.dispatcher import Dispatcher
from dither_service.jobs import Job
from dither_service.pool import QUICK_SECONDS
from dither_service.settings import DitherSettings
from dither_service.settling import Settling, job_of
from shared.context import Origin
from shared.database import Database, at_end
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherRequested, ImageUploaded
from shared.storage.removals import FileRemovals

DEFAULT_CHANNELS = 2
GATHER_SECONDS = 0.2
_UNKNOWN = Size(1600, 1200)  # of an image whose message does not say it


def new_dither(
    image: Any, options: Options, owner: str | None, max_seconds: float, origin: Origin
) -> dict[str, Any]:
    """The row of a dither that ``owner`` asked for. Its id depends on image and options only.

    image: its row. Raises EngineError if the work is estimated to take more than ``max_seconds``.
    """
    size = Size(image.width, image.height, image.frames or 1) if image.width else _UNKNOWN
    row = _row(image.uuid, options.digest(), options.most_levels, options.differing(), owner)
    row["cost"] = check_cost(size, options, max_seconds)
    return row | origin.columns()


def _row(
    uuid: UUID, digest: str, channels: int, fields: dict[str, Any], owner: str | None
) -> dict[str, Any]:
    return {
        "dither_id": uuid5(uuid, digest),
        "image_uuid": uuid,
        "digest": digest,
        "channels": channels,
        "options": fields,
        "owner": owner,
        "cost": 0.0,
        "share": owner or str(uuid),
    }


def in_line(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with ``ahead``: the seconds of work up to their end, by share, in their order."""
    total: dict[tuple[str, bool], float] = defaultdict(float)
    placed = []
    for row in rows:
        key = row["share"], row["cost"] > QUICK_SECONDS
        total[key] += row["cost"]
        placed.append({**row, "ahead": total[key]})
    return placed


class DitherWork:
    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        settling: Settling,
        dispatcher: Dispatcher,
        *,
        inbox: Inbox,
        removals: FileRemovals,
    ) -> None:
        self._settings = settings
        self._database = database
        self._settling = settling
        self._dispatcher = dispatcher
        self._inbox = inbox
        self._removals = removals

    def record(self, batch: Sequence[Received]) -> int:
        """Queue the dithers of new images and requests; returns how many messages are settled."""
        jobs: list[Job] = []
        with self._database.transaction() as session:
            images = self._lock_images(session, batch)
            there = [received for received in batch if received.body.uuid in images]
            ids = self._add_dithers(session, there, images)
            dithers = repository.find_dithers(session, set(ids.values()))
            queued: dict[UUID, Received] = {}
            for received in there:
                dither = dithers.get(ids[id(received)])
                if dither is None:
                    continue
                if dither.status == models.QUEUED:
                    queued.setdefault(dither.dither_id, received)
                else:
                    self._tell_again(session, received, dither, images[dither.image_uuid])
            # A retry would do no harm; but a message that is in the inbox is not told of again.
            self._inbox.record_all(session, list(queued.values()))
            claimed = self._claim(session, [dithers[each] for each in queued])
            jobs = [job_of(row, images[row.image_uuid], queued[row.dither_id]) for row in claimed]
            self._reserve(session, jobs)
        self._dispatcher.add(jobs, more=len(jobs) < len(queued))
        # While there is enough to do, messages gather, so that many share the next transaction.
        self._dispatcher.wait_until_idle(GATHER_SECONDS)
        return len(batch)

    def begin(self, session: Session, dither: Any, image: Any) -> None:
        """Begin a dither that a client has just requested, without waiting for its message."""
        claimed = self._claim(session, [dither])
        jobs = [job_of(row, image) for row in claimed]
        self._reserve(session, jobs)

        def add(committed: bool) -> None:
            if committed:
                self._dispatcher.add(jobs, more=not jobs)

        at_end(session, add)

    def _claim(self, session: Session, dithers: Sequence[Any]) -> Sequence[Any]:
        """Claim the first quick ones, as many as there is room for; returns their rows."""
        quick = [dither.dither_id for dither in dithers if dither.cost <= QUICK_SECONDS]
        return queue.claim_these(session, quick[: self._dispatcher.room()])

    def _reserve(self, session: Session, jobs: Sequence[Job]) -> None:
        if jobs:
            self._removals.reserve(session, [job.key for job in jobs])

    def _lock_images(self, session: Session, batch: Sequence[Received]) -> dict[UUID, Any]:
        """The batch's images that are not deleted, by uuid; new images are inserted."""
        announced = [r.body for r in batch if isinstance(r.body, ImageUploaded)]
        images = repository.note_images(session, announced) if announced else {}
        requested = {r.body.uuid for r in batch if isinstance(r.body, DitherRequested)}
        if unlocked := requested - images.keys():
            images |= repository.lock_images(session, unlocked)
        return {uuid: image for uuid, image in images.items() if image.deleted_at is None}

    def _add_dithers(
        self, session: Session, batch: Sequence[Received], images: dict[UUID, Any]
    ) -> dict[int, UUID]:
        """The dither of each message; the dither of a new image is inserted if missing."""
        rows: list[dict[str, Any]] = []
        ids: dict[int, UUID] = {}
        for received in batch:
            body = received.body
            if isinstance(body, DitherRequested):
                ids[id(received)] = body.dither_id
                continue
            assert isinstance(body, ImageUploaded)
            fields = {"channels": DEFAULT_CHANNELS, **(body.options or {})}
            try:
                options = Options.parse(fields)
                most = self._settings.max_job_seconds
                row = new_dither(images[body.uuid], options, body.owner, most, received.origin)
                rows.append(row)
            except EngineError as error:
                row = self._refuse(session, received, fields, str(error), images[body.uuid])
            ids[id(received)] = row["dither_id"]
        if rows:
            repository.add_dithers(session, in_line(rows))
        return ids

    def _refuse(
        self, session: Session, received: Received, fields: dict[str, Any], reason: str, image: Any
    ) -> dict[str, Any]:
        """Invalid options came with the upload: insert a failed dither."""
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        row = _row(received.body.uuid, digest, DEFAULT_CHANNELS, fields, image.owner)
        if repository.add_dithers(session, in_line([row])):
            self._inbox.record(session, received.message_id)
            failed = {"dither_id": row["dither_id"], "status": models.FAILED, "reason": reason}
            for dither in repository.finish(session, [failed]):
                self._settling.tell(session, dither, image, received.origin)
        return row

    def _tell_again(self, session: Session, received: Received, dither: Any, image: Any) -> None:
        """Republish an outcome: an image whose dither is settled was announced again.

        This happens when the broker has lost the outcome's message. Nothing is published for a
        redelivered message, nor for one that was produced before the dither was finished. Consumers
        that get the outcome twice recognise the dither by its id.
        """
        if received.message_id is None or not isinstance(received.body, ImageUploaded):
            return
        if dither.finished_at is None or received.produced_at < dither.finished_at:
            return
        if self._inbox.record(session, received.message_id):
            self._settling.tell(session, dither, image, received.origin)
