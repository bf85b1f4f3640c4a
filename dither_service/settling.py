"""The outcomes of jobs → tables and messages, many in one transaction.

This is idempotent: each dither takes effect once, even if several processes have tried it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dither_service import models, queue, repository
from dither_service.jobs import Job, result_key
from dither_service.pool import QUICK_SECONDS
from dither_service.settings import DitherSettings
from shared import failpoints
from shared.context import Origin
from shared.database import Database
from shared.kafka.codec import Received
from shared.messages import DitherFailed, DitherUploaded
from shared.outbox import Outbox
from shared.storage.removals import FileRemovals


@dataclass(slots=True)
class Outcomes:
    """rows: new values of the dithers' rows, by id. again: jobs whose process has died. returned:
    jobs that were not begun, or not ended."""

    jobs: dict[UUID, Job] = field(default_factory=dict)
    rows: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    again: list[UUID] = field(default_factory=list)
    returned: list[UUID] = field(default_factory=list)

    def done(self, job: Job, stored: dict[str, Any]) -> None:
        self._end(job, {"status": models.DONE, **stored})

    def failed(self, job: Job, reason: str) -> None:
        self._end(job, {"status": models.FAILED, "reason": reason})

    def _end(self, job: Job, values: dict[str, Any]) -> None:
        self.jobs[job.dither_id] = job
        self.rows[job.dither_id] = {"dither_id": job.dither_id, **values}

    def origin(self, dither_id: UUID) -> Origin:
        """What the message about this dither belongs to: its job's place in the trace."""
        asked = self.jobs[dither_id].origin
        made = self.rows[dither_id].get("traceparent")
        return asked._replace(traceparent=made or asked.traceparent)

    def __len__(self) -> int:
        return len(self.rows) + len(self.again) + len(self.returned)


class Settling:
    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        *,
        outbox: Outbox,
        removals: FileRemovals,
    ) -> None:
        self._settings = settings
        self._database = database
        self._outbox = outbox
        self._removals = removals

    def settle(self, outcomes: Outcomes) -> None:
        with self._database.transaction() as session:
            queue.release(session, outcomes.again)
            queue.give_back(session, outcomes.returned)
            if outcomes.rows:
                self._finish(session, outcomes)
            failpoints.hit("dither.before-commit")
        failpoints.hit("dither.after-commit")

    def _finish(self, session: Session, outcomes: Outcomes) -> None:
        jobs = list(outcomes.jobs.values())
        images = repository.lock_images(session, {job.image_uuid for job in jobs})
        failpoints.hit("dither.after-inbox")
        rows = list(outcomes.rows.values())
        finished = {dither.dither_id: dither for dither in repository.finish(session, rows)}
        for dither in finished.values():
            origin = outcomes.origin(dither.dither_id)
            self.tell(session, dither, images[dither.image_uuid], origin)
        # A failed dither keeps its row in `file_removals`: an earlier attempt may have stored a
        # file before a crash.
        stored = [job for job in jobs if outcomes.rows[job.dither_id]["status"] == models.DONE]
        self._give_owners(session, stored, set(finished))

    def _give_owners(self, session: Session, jobs: Sequence[Job], finished: set[UUID]) -> None:
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

    def tell(self, session: Session, dither: Any, image: Any, origin: Origin) -> None:
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
        self._outbox.append(session, self._settings.kafka_dither_topic, body, origin)


def job_of(dither: Any, image: Any, received: Received | None = None) -> Job:
    """The job of a claimed row. received: the message, if it is known."""
    return Job(
        image_uuid=dither.image_uuid,
        dither_id=dither.dither_id,
        url=image.url or "",
        fields=dither.options,
        key=result_key(dither.image_uuid, dither.digest, dither.options),
        produced_at=received.produced_at if received else dither.created_at,
        origin=received.origin if received else Origin(dither.request_id, dither.traceparent),
        cost=dither.cost,
        slow=dither.cost > QUICK_SECONDS,
        turn=dither.turn,
        attempts=dither.attempts,
    )
