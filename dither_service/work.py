"""Batches of dither jobs: plan them, run them, settle the outcomes.

A batch takes two transactions, with the jobs between them: the first writes the images, the dithers
and the keys of the files to come; the second gives the files their owners and appends the messages
to the outbox. This is idempotent: each dither takes effect once, even if several processes try it.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from dither_engine import EngineError, Options
from dither_service import models, repository
from dither_service.jobs import CannotDither, Job, JobRunner, result_key
from dither_service.settings import DitherSettings
from shared import failpoints
from shared.database import Database
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherFailed, DitherRequested, DitherUploaded, ImageUploaded
from shared.outbox import Outbox
from shared.storage import Storage
from shared.storage.removals import FileRemovals
from shared.workers import Workers

DEFAULT_CHANNELS = 2
# No job of a batch starts later than this, so that results are published soon.
BATCH_SECONDS = 0.5

_Made = Future[dict[str, Any]]


def new_dither(uuid: UUID, options: Options, owner: str | None) -> dict[str, Any]:
    """The row of a dither that ``owner`` asked for. Its id depends on image and options only."""
    return _row(uuid, options.digest(), options.most_levels, options.differing(), owner)


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
    }


@dataclass(slots=True)
class _Plan:
    """The messages of a batch, each with its dither, and the jobs of the queued dithers."""

    messages: list[tuple[Received, UUID | None]]
    jobs: dict[UUID, Job]


class DitherWork:
    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        storage: Storage,
        *,
        outbox: Outbox,
        inbox: Inbox,
        removals: FileRemovals,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._outbox = outbox
        self._inbox = inbox
        self._removals = removals
        self._runner = JobRunner(settings, storage, now=now)
        # All batches of the process share these threads: half of them dither, half store results.
        self._workers = Workers(2 * settings.consumer_workers, name="dither-job")

    def dither(self, batch: Sequence[Received]) -> int:
        """Make the dithers of new images and requests; returns how many messages are settled.

        Raises the exception of the first message's job if that job must be retried.
        """
        plan = self._plan(batch)
        made = self._run(list(plan.jobs.values()))
        if made:
            self._settle(plan, made)
        for count, (_, dither_id) in enumerate(plan.messages):
            if dither_id in plan.jobs and not _is_settled(made.get(dither_id)):
                if count == 0 and dither_id in made:
                    made[dither_id].result()  # raises
                return count
        return len(batch)

    # Plan the jobs.

    def _plan(self, batch: Sequence[Received]) -> _Plan:
        with self._database.transaction() as session:
            images = self._lock_images(session, batch)
            there = [r for r in batch if r.body.uuid in images]
            ids = self._add_dithers(session, there, images)
            dithers = repository.find_dithers(session, set(ids.values()))
            messages = [(r, ids.get(id(r))) for r in batch]
            jobs: dict[UUID, Job] = {}
            for received, dither_id in messages:
                dither = dithers.get(dither_id) if dither_id is not None else None
                if dither is None:
                    continue
                image = images[received.body.uuid]
                if dither.status == models.QUEUED:
                    jobs.setdefault(dither.dither_id, _job(received, dither, image))
                else:
                    self._tell_again(session, received, dither, image)
            if jobs:
                self._removals.reserve(session, [job.key for job in jobs.values()])
        return _Plan(messages, jobs)

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
                row = new_dither(body.uuid, Options.parse(fields), body.owner)
                rows.append(row)
            except EngineError as error:
                row = self._refuse(session, received, fields, str(error), images[body.uuid])
            ids[id(received)] = row["dither_id"]
        if rows:
            repository.add_dithers(session, rows)
        return ids

    def _refuse(
        self, session: Session, received: Received, fields: dict[str, Any], reason: str, image: Any
    ) -> dict[str, Any]:
        """Invalid options came with the upload: insert a failed dither."""
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        row = _row(received.body.uuid, digest, DEFAULT_CHANNELS, fields, image.owner)
        if repository.add_dithers(session, [row]):
            self._inbox.record(session, received.message_id)
            failed = {"dither_id": row["dither_id"], "status": models.FAILED, "reason": reason}
            for dither in repository.finish(session, [failed]):
                self._tell(session, dither, image, received.request_id)
        return row

    # Run the jobs.

    def _run(self, jobs: list[Job]) -> dict[UUID, _Made]:
        """Run jobs and wait for them; none starts after a failure or after ``BATCH_SECONDS``."""
        made: dict[UUID, _Made] = {}
        running: set[_Made] = set()
        give_up_at = time.monotonic() + BATCH_SECONDS
        for job in jobs:
            if len(running) >= self._workers.count:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                if time.monotonic() > give_up_at or not all(map(_is_settled, ended)):
                    break
            made[job.dither_id] = self._workers.submit(partial(self._runner.run, job))
            running.add(made[job.dither_id])
        wait(running)
        return made

    # Settle the outcomes.

    def _settle(self, plan: _Plan, made: dict[UUID, _Made]) -> None:
        rows = {dither_id: _outcome(dither_id, m) for dither_id, m in made.items()}
        settled = {dither_id: row for dither_id, row in rows.items() if row is not None}
        if not settled:
            return
        jobs = [plan.jobs[dither_id] for dither_id in settled]
        request_ids = {job.dither_id: job.request_id for job in jobs}
        with self._database.transaction() as session:
            self._inbox.record_all(session, [r for r, d in plan.messages if d in settled])
            failpoints.hit("dither.after-inbox")
            images = repository.lock_images(session, {job.image_uuid for job in jobs})
            finished = {d.dither_id: d for d in repository.finish(session, list(settled.values()))}
            for dither in finished.values():
                image = images[dither.image_uuid]
                self._tell(session, dither, image, request_ids[dither.dither_id])
            # A failed dither keeps its row in `file_removals`: an earlier attempt may have stored a
            # file before a crash.
            stored = [job for job in jobs if settled[job.dither_id]["status"] == models.DONE]
            self._give_owners(session, stored, set(finished))
            failpoints.hit("dither.before-commit")
        failpoints.hit("dither.after-commit")

    def _give_owners(self, session: Session, jobs: list[Job], finished: set[UUID]) -> None:
        """Keep the files of dithers; schedule those without a dither for removal.

        A dither that another worker has finished first also keeps its file.
        """
        others = [job for job in jobs if job.dither_id not in finished]
        owned = repository.owned_keys(session, [job.key for job in others]) if others else set()
        gone = [job.key for job in others if job.key not in owned]
        if kept := [job.key for job in jobs if job.key not in gone]:
            self._removals.keep(session, kept)
        if gone:
            self._removals.schedule(session, gone)

    def _tell(self, session: Session, dither: Any, image: Any, request_id: str | None) -> None:
        """Publish the outcome of a settled dither, with the values of its row."""
        told: dict[str, Any] = {
            "uuid": dither.image_uuid,
            "dither_id": dither.dither_id,
            "channels": dither.channels,
            "options": dither.options,
            "owner": dither.owner,
        }
        body: DitherUploaded | DitherFailed
        if dither.status == models.FAILED:
            body = DitherFailed(**told, reason=dither.reason or "")
        else:
            body = DitherUploaded(
                **told,
                url_dither=self._settings.public_link(dither.url or ""),
                width=dither.width,
                height=dither.height,
                bytes=dither.bytes,
                has_recipient=image.has_recipient,
            )
        self._outbox.append(session, self._settings.kafka_dither_topic, body, request_id)

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
            self._tell(session, dither, image, received.request_id)


def _job(received: Received, dither: Any, image: Any) -> Job:
    return Job(
        image_uuid=dither.image_uuid,
        dither_id=dither.dither_id,
        url=image.url or "",
        fields=dither.options,
        key=result_key(dither.image_uuid, dither.digest, dither.options),
        produced_at=received.produced_at,
        request_id=received.request_id,
    )


def _is_settled(made: _Made | None) -> bool:
    """True if the job's outcome is final, so that no retry is needed."""
    return made is not None and (
        made.exception() is None or isinstance(made.exception(), CannotDither)
    )


def _outcome(dither_id: UUID, made: _Made) -> dict[str, Any] | None:
    """The new values of the dither's row, or None if it is not settled."""
    if not _is_settled(made):
        return None
    if (error := made.exception()) is not None:
        return {"dither_id": dither_id, "status": models.FAILED, "reason": str(error)}
    return {"dither_id": dither_id, "status": models.DONE, **made.result()}
