"""One service after the other is replaced by its new version, with messages in flight.

The first release runs as it was, with its own engine and tables; the packages it imports are those
of today's lock file.
"""

import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import requests

from standalone.supervisor import PACKAGES
from tests.support.broker import Broker
from tests.support.first_release import NoHistoryError, unpack_first_release
from tests.support.pictures import photograph
from tests.support.system import AWAY, System, wait_for
from tests.support.topics import header_list, read_topic

UPLOADS_EACH = 8
SERVICES = ("dither", "upload", "notification", "gateway")


@pytest.mark.real_broker
@pytest.mark.timeout(1200)
def test_a_rolling_upgrade_loses_nothing_and_does_nothing_twice(
    broker: Broker, database: str, tmp_path: Path
) -> None:
    try:
        first_release = unpack_first_release()
    except NoHistoryError as missing:
        pytest.skip(str(missing))
    system = System(tmp_path, kafka_server=broker.bootstrap_servers, database_url=database)
    broker.create_topics(*system.names.values())
    for child in system.services.children.values():
        child.packages = first_release
    uuids: list[str] = []
    try:
        system.start()
        upload(system, uuids)
        system.dithered(uuids[0])  # by the first release, which compiles its kernels for it
        migrate(system)
        upload(system, uuids)
        for name in SERVICES:
            system.services.stop(name)
            if name in {"dither", "notification"}:
                upload(system, uuids)  # nobody takes their messages now
            system.child(name).packages = PACKAGES
            system.start(name)
            upload(system, uuids)
        for uuid in uuids:
            system.dithered(uuid)
    finally:
        system.stop()

    assert len(uuids) == UPLOADS_EACH * 8
    assert rows(database, "SELECT image_uuid::text, status FROM dither.dithers") == Counter(
        (uuid, "done") for uuid in uuids
    )
    assert rows(database, "SELECT image_uuid::text, status FROM upload.dithers") == Counter(
        (uuid, "done") for uuid in uuids
    )
    for schema in ("upload", "dither"):
        assert not rows(database, f"SELECT key FROM {schema}.outbox WHERE published_at IS NULL")
        assert not rows(database, f"SELECT key FROM {schema}.file_removals")
    assert len(list((tmp_path / "files" / "dithers").iterdir())) == len(uuids)
    for topic in ("KAFKA_IMAGE_TOPIC", "KAFKA_DITHER_TOPIC"):
        messages = read_topic(broker.bootstrap_servers, system.names[topic])
        versions = {dict(header_list(message))["version"] for message in messages}
        assert versions == {b"1.0.0", b"1.1.0"}, f"both versions wrote to {topic}"
    dead = read_topic(broker.bootstrap_servers, system.names["KAFKA_DEAD_LETTER_TOPIC"])
    assert [message.value() for message in dead] == []


def upload(system: System, uuids: list[str]) -> None:
    """Some uploads more; each is repeated until it is promised to be kept."""
    for number in range(UPLOADS_EACH):

        def ask(number: int = number) -> str | None:
            answer = requests.post(
                f"{system.url}/images",
                files={"file": (f"{number}.jpg", photograph(96, 64))},
                timeout=30,
            )
            if answer.status_code in AWAY:
                return None
            assert answer.status_code == 201, answer.text
            return str(answer.json()["uuid"])

        uuids.append(wait_for(ask, "promise to keep the upload"))


def migrate(system: System) -> None:
    """As the job before an upgrade does, while the first release is at work."""
    for service in ("upload_service", "dither_service", "notification_service"):
        subprocess.run(
            [sys.executable, "-m", "shared.migrations", service],
            env=system.environment,
            cwd=PACKAGES,
            check=True,
        )


def rows(database: str, query: str) -> Counter[tuple[str, ...]]:
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return Counter(cursor.fetchall())
