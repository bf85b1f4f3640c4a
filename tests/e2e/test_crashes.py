"""Each process is killed in the middle of the work, and nothing is lost or doubled."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support.broker import Broker
from tests.support.pictures import photograph
from tests.support.system import System, wait_for

UPLOADS = 200
VICTIMS = ("upload", "dither", "notification", "gateway")


@pytest.mark.real_broker
@pytest.mark.timeout(1800)
def test_every_image_ends_with_one_dither_and_one_mail(
    broker: Broker, database: str, tmp_path: Path
) -> None:
    system = System(
        tmp_path,
        kafka_server=broker.bootstrap_servers,
        database_url=database,
        environment={
            "UNFINISHED_AFTER_SECONDS": "20",
            "SMTP_TIMEOUT_SECONDS": "1",  # also how soon a mail counts as not sent
            "MAILS_PER_HOUR": "1000",
            "MAILS_PER_DAY": "100000",
            "MAILS_PER_HOUR_IN_ALL": "100000",
        },
    )
    broker.create_topics(*system.names.values())
    picture = photograph(96, 64)
    killed: list[str] = []

    def upload(number: int) -> str:
        """Asks until the upload is promised to be kept, as a client would."""
        if number in (20, 60, 100, 140):
            victim = VICTIMS[len(killed)]
            killed.append(victim)
            system.kill(victim)
            system.services.start(victim)

        def ask() -> str | None:
            answer = requests.post(
                f"{system.url}/images",
                files={"file": (f"{number}.jpg", picture)},
                data={"email": f"reader{number % 7}@example.org"},
                timeout=20,
            )
            return str(answer.json()["uuid"]) if answer.status_code == 201 else None

        return wait_for(ask, "answer to an upload", seconds=180)

    try:
        system.start()
        with ThreadPoolExecutor(4) as clients:
            promised = set(clients.map(upload, range(UPLOADS)))
        assert killed == list(VICTIMS)
        assert len(promised) == UPLOADS

        def dithers_done() -> bool:
            return all(system.image(uuid)["status"] == "dithered" for uuid in promised)

        wait_for(dithers_done, "dither of every image", seconds=300)
        for uuid in promised:
            assert [d["channels"] for d in system.image(uuid)["dithers"]] == [2]

        def mailed() -> bool:
            ids = {str(m["Message-ID"]) for m in system.mails()}
            return ids >= {f"<{d}@dither.invalid>" for d in dither_ids}

        dither_ids = {system.image(uuid)["dithers"][0]["dither_id"] for uuid in promised}
        wait_for(mailed, "mail of every image", seconds=180)
        assert max(Counter(str(m["Message-ID"]) for m in system.mails()).values()) == 1
        files = system.directory / "files"
        for uuid in promised:
            assert len(list(files.glob(f"images/{uuid}*"))) == 1
            assert len(list(files.glob(f"dithers/{uuid}*"))) == 1
    finally:
        system.stop()
