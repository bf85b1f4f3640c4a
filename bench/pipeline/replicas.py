"""Several dither processes, with a storage that takes its time.

A machine for tests has too few processors to show what more dither processes bring. So here each
fetch and each store waits ``STORAGE_SECONDS``, as with a storage on the internet, and what is
scarce are the threads of the processes.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.pipeline.clients import upload_many
from bench.pipeline.waiting import until
from bench.pipeline.world import World, running_world
from standalone.ports import free_port
from standalone.supervisor import Child
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.cloudinary_server.failures import Failures
from tests.support.pictures import photograph

PROCESSES = (1, 2, 4)
STORAGE_SECONDS = 0.2
IMAGES = 320
_DONE = "SELECT count(*) FROM dither.dithers WHERE status = 'done'"
# Of the middle of the work: at its ends, not all processes have something to do.
_SECONDS = """
    SELECT extract(epoch FROM high - low) FROM (
      SELECT percentile_disc(0.2) WITHIN GROUP (ORDER BY finished_at) AS low,
             percentile_disc(0.8) WITHIN GROUP (ORDER BY finished_at) AS high
      FROM dither.dithers WHERE finished_at IS NOT NULL) AS ends
"""


class _SlowAnswers(Failures):
    def take(self, kind: str) -> str | None:
        time.sleep(STORAGE_SECONDS)
        return super().take(kind)


def rates(broker: str) -> Iterator[tuple[int, float]]:
    """Dithers a second of one process, of two, and of four."""
    for count in PROCESSES:
        with (
            CloudinaryServer(failures=_SlowAnswers()) as storage,
            running_world(broker, storage.environment()) as world,
        ):
            world.system.services.stop("dither")
            upload_many(world.system.port, photograph(576, 434), IMAGES, clients=8)
            with _dither_processes(world, count):
                until(lambda world=world: world.ask(_DONE) == IMAGES, "dithers")  # type: ignore[misc]
            yield count, 0.6 * IMAGES / world.ask(_SECONDS)


@contextmanager
def _dither_processes(world: World, count: int) -> Iterator[None]:
    first = world.system.child("dither")
    with ExitStack() as running:
        for number in range(2, count + 1):
            port = free_port()
            environment = {**first.environment, "PORT": str(port)}
            log = first.log.with_name(f"dither-{number}.log")
            another = Child(name="dither", port=port, environment=environment, log=log)
            another.launch()
            running.callback(_end, another)
        world.system.start("dither")
        yield


def _end(child: Child) -> None:
    assert child.process is not None
    child.process.terminate()
    child.process.wait()
    child.close_log()
