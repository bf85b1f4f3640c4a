"""One edge in front of two gateways in front of one service, for all tests here."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.edge.running import Edge, Process, missing, running_edge, running_gateway
from tests.edge.service import Service


@pytest.fixture(scope="session", autouse=True)
def _needed() -> None:
    if lacking := missing():
        pytest.skip(f"tests/prepare installs what is not here: {', '.join(lacking)}")


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    started = Service()
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def gateways(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Process, Process]]:
    directory = tmp_path_factory.mktemp("gateways")
    with ExitStack() as stack:
        first = stack.enter_context(running_gateway(directory, service.url))
        yield first, stack.enter_context(running_gateway(directory, service.url))


@pytest.fixture(scope="session")
def edge(gateways: tuple[Process, Process]) -> Iterator[Edge]:
    with running_edge(*(gateway.port for gateway in gateways)) as started:
        yield started
