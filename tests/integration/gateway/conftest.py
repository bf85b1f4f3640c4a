"""Per module: a gateway with default settings but no rate limits, and one service behind it."""

from collections.abc import Iterator

import pytest

from tests.integration.gateway.fake_service import Service
from tests.integration.gateway.support import GatewayProcess, running_gateway


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    started = Service().start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def gateway(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), service) as started:
        yield started
