"""A system to show the page on, outside of pytest: for screenshots and measurements."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.broker import choose_broker
from tests.support.postgres import choose_postgres, create_database
from tests.support.system import running_system


@contextmanager
def system_at(url: str | None = None) -> Iterator[str]:
    """The address of a system: the one that runs at ``url``, else one that is started for it."""
    if url:
        yield url
        return
    broker, postgres = choose_broker(), choose_postgres()
    with tempfile.TemporaryDirectory() as directory:
        try:
            broker.start()
            postgres.start()
            with running_system(Path(directory), broker, create_database(postgres)) as system:
                yield system.url
        finally:
            postgres.stop()
            broker.stop()
