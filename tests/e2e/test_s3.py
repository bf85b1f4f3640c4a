"""With files in a bucket of S3: the journey of an image, and who may see what of it."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.broker import Broker
from tests.support.pictures import photograph
from tests.support.s3_server import S3Server
from tests.support.system import System, running_system, wait_for


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


@pytest.fixture(scope="module")
def system(
    broker: Broker,
    database: str,
    s3_server: S3Server,
    bucket: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    environment = {
        **s3_server.environment(bucket),
        "S3_PREFIX": "pictures",
        "ACCESS": "owned",
        "PRINCIPAL_SECRET": "the secret of the tests, long enough",
    }
    with running_system(
        tmp_path_factory.mktemp("system"), broker, database, environment
    ) as running:
        yield running


def test_from_upload_to_removal(system: System, s3_server: S3Server, bucket: str) -> None:
    client = requests.Session()
    answer = client.post(
        f"{system.url}/images", files={"file": ("a.jpg", photograph())}, timeout=30
    )
    assert answer.status_code == 201, answer.text
    uuid = answer.json()["uuid"]
    whole = f"{system.url}/images/{uuid}"

    original = client.get(whole, timeout=10).json()["url"]
    assert requests.get(original, timeout=10).content == photograph()
    assert requests.get(original.partition("?")[0], timeout=10).status_code == 404

    [dither] = system.dithered(uuid)["dithers"]
    assert dither["url_dither"].startswith(f"{system.url}/files/dithers/{uuid}")
    picture = requests.get(dither["url_dither"], timeout=10)
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["content-type"] == "image/png"
    assert "immutable" in picture.headers["cache-control"]
    known = {"If-None-Match": picture.headers["etag"]}
    assert requests.get(dither["url_dither"], headers=known, timeout=10).status_code == 304
    looked_at = requests.head(dither["url_dither"], timeout=10)
    assert looked_at.headers["content-length"] == str(len(picture.content))
    other_format = f"{system.url}/dithers/{uuid}/{dither['dither_id']}?format=gif"
    assert requests.get(other_format, timeout=30).content.startswith(b"GIF8")

    prefixes = {key.partition("/")[0] for key in s3_server.keys(bucket)}
    assert (prefixes, len(s3_server.keys(bucket))) == ({"pictures"}, 2)
    assert client.delete(whole, timeout=10, headers={"Origin": system.url}).status_code == 204
    wait_for(lambda: not s3_server.keys(bucket), "end of the objects")
    assert requests.get(dither["url_dither"], timeout=10).status_code == 404
