"""R7: the whole system through a PgBouncer in transaction mode, on five connections."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from tests.faults.audit import judge
from tests.faults.load import Load
from tests.faults.pooler import find_pgbouncer, pgbouncer
from tests.faults.scale import Scale
from tests.faults.world import World, running
from tests.support.broker import Broker

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

CONNECTIONS = 5
LOOK_SECONDS = 0.05
AUDITOR = "application_name=auditor"
COUNT = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = %s AND application_name <> 'auditor' AND state <> 'starting'
      AND backend_type = 'client backend' -- and no autovacuum worker
"""


@pytest.mark.skipif(find_pgbouncer() is None, reason="needs PgBouncer (Debian: pgbouncer)")
def test_r7_all_of_it_through_a_pooler_with_five_connections(
    broker: Broker,
    database: str,
    tmp_path: Path,
    scale: Scale,
    dice: random.Random,
    measured: Callable[[str], None],
) -> None:
    with (
        pgbouncer(database, CONNECTIONS) as url,
        counted(database) as counts,
        running(World(tmp_path, broker, f"{database}?{AUDITOR}", database_url=url)) as world,
    ):
        load = Load(world, scale.accounted, dice)
        load.run(world.clients.list_images)
        world.settle()
        done = f"{load.count} uploads, dithers and deletes"
        judge(world, measured, f"{done}, at most {max(counts)} server connections")
    assert 0 < max(counts) <= CONNECTIONS


@contextmanager
def counted(dsn: str) -> Iterator[list[int]]:
    """Sample the number of the database's connections at intervals, from another database."""
    name = parse_dsn(dsn)["dbname"]
    counts: list[int] = [0]
    ended = threading.Event()

    def look() -> None:
        with closing(psycopg2.connect(make_dsn(dsn, dbname="postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not ended.wait(LOOK_SECONDS):
                    cursor.execute(COUNT, (name,))
                    counts.extend(int(count) for (count,) in cursor)

    thread = threading.Thread(target=look, name="connections")
    thread.start()
    try:
        yield counts
    finally:
        ended.set()
        thread.join()
