"""The routes of one call, served alone, and requests to them."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from dither_service.fetch import Fetcher
from dither_service.one_call import Engine, OneCall, engine_of
from dither_service.one_call_api import one_call_router
from dither_service.pool import DitherPool
from dither_service.preview import Previews
from dither_service.settings import DitherSettings
from shared.health import Health
from shared.http import BodyLimit, create_app
from tests.integration.services.support import Client, served
from tests.support.pictures import picture

PNG = picture("PNG", (64, 48))
HOST = "pictures.example.org"
SETTINGS = DitherSettings(
    max_upload_bytes=300_000,
    dither_call_max_bytes=900_000,
    max_pixels=200_000,
    dither_call_max_files=4,
    dither_call_seconds=120,  # the first call waits until the engine is loaded
)


async def here(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


@contextmanager
def serving(
    settings: DitherSettings = SETTINGS, engine: Engine | None = None, pictures: Any = None
) -> Iterator[Client]:
    """The routes of one call; ``pictures`` is the server that GET may fetch from."""
    fetcher = Fetcher(settings)
    if pictures is not None:
        settings = settings.model_copy(update={"dither_url_hosts": f"{HOST}:{pictures.port}"})
        fetcher = Fetcher(
            settings, resolve=here, is_allowed=lambda _: True, authority=pictures.authority
        )
    app = create_app("One call", Health("dither", {}), settings)
    app.add_middleware(BodyLimit, max_bytes=1000, larger={"/dither": 900_000})
    pool = DitherPool(settings)
    one_call = OneCall(settings, engine or engine_of(Previews(settings, pool)))
    app.include_router(one_call_router(settings, one_call, fetcher))
    with closing(pool), served(app) as client:
        yield client


def send(client: Client, *files: tuple[str, bytes], **request: Any) -> Any:
    sent = [("file", file) for file in files] or [("file", ("photo.jpg", PNG))]
    return client.post("/dither", files=sent, **request)


def entries(answer: Any) -> tuple[list[str], dict[str, bytes], Any]:
    """The names in the ZIP in order, the contents by name, and the manifest."""
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        contents = {name: archive.read(name) for name in names}
    return names, contents, json.loads(contents["manifest.json"])["files"]
