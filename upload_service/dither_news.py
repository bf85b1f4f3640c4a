"""Convert the dither service's messages about a dither to a row."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid5

from shared.messages import Body, DitherFailed, DitherRequested, DitherUploaded
from upload_service.models import DONE, FAILED, QUEUED

_TOLD = {"channels", "options", "width", "height", "bytes", "reason", "url_dither"}
_STATUS = {DitherRequested: QUEUED, DitherUploaded: DONE, DitherFailed: FAILED}
_RANK = [QUEUED, FAILED, DONE]


def news_by_dither(bodies: Sequence[Body], kept: Callable[[str], str]) -> list[dict[str, Any]]:
    """One row for each dither. Of several messages about one, done counts most, queued least.

    ``kept``: what a row has of a URL.
    """
    rows: dict[UUID, dict[str, Any]] = {}
    for body in bodies:
        row = _row(body, kept)
        known = rows.setdefault(row["dither_id"], row)
        if _RANK.index(row["status"]) > _RANK.index(known["status"]):
            rows[row["dither_id"]] = row
    return list(rows.values())


def _row(body: Body, kept: Callable[[str], str]) -> dict[str, Any]:
    assert isinstance(body, DitherRequested | DitherUploaded | DitherFailed)
    return {
        # Another producer may omit the id; the URL of the file then identifies the dither.
        "dither_id": body.dither_id or uuid5(body.uuid, _url(body)),
        "image_uuid": body.uuid,
        "status": _STATUS[type(body)],
        **body.model_dump(include=_TOLD),
        **({"url_dither": kept(body.url_dither)} if isinstance(body, DitherUploaded) else {}),
    }


def _url(body: Body) -> str:
    return body.url_dither if isinstance(body, DitherUploaded) else ""
