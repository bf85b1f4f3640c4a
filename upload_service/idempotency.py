"""``Idempotency-Key`` on an upload: a client that lost the answer repeats it without harm."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.principal import Principal
from shared.problems import Problem
from upload_service.models import IdempotencyKey

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Repeatable:
    """One upload that may be repeated: who sent it under which key, and what it was."""

    owner: str
    key: str
    digest: str


def read_key(header: str | None, caller: Principal, data: bytes, *fields: Any) -> Repeatable | None:
    """The key of a request with this file and these form fields. Raises ``Problem`` 422."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise Problem(422, "Idempotency-Key: must be 1 to 200 ASCII characters without spaces.")
    if caller.is_new:
        raise Problem(
            422,
            "Idempotency-Key: it needs an identity, which this request has not yet: send an API "
            "key, or the manage_token of an earlier upload as X-Manage-Token.",
        )
    digest = sha256(json.dumps(fields, sort_keys=True).encode())
    digest.update(data)
    return Repeatable(caller.owner or "", header, digest.hexdigest())


def find_repeated(session: Session, upload: Repeatable) -> UUID | None:
    """The image of an earlier upload with this key. ``Problem`` 422 if that was another one."""
    known = session.get(IdempotencyKey, (upload.owner, upload.key))
    if known is None:
        return None
    if known.digest != upload.digest:
        raise Problem(422, "Idempotency-Key: it was used for another upload; choose a new one.")
    return known.image_uuid


def record_keys(session: Session, uploads: Sequence[tuple[Repeatable, UUID]]) -> None:
    """Call it in the transaction that adds the images. ``Problem`` 409 if a key is taken."""
    for upload, uuid in uploads:
        values = {"owner": upload.owner, "key": upload.key, "digest": upload.digest}
        statement = insert(IdempotencyKey).values(**values, image_uuid=uuid)
        added = session.execute(statement.on_conflict_do_nothing().returning(IdempotencyKey.key))
        if added.first() is None:
            raise Problem(409, "An upload with this Idempotency-Key is in progress; try again.")


def forget_keys(session: Session) -> None:
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT))
