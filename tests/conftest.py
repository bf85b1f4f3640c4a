"""What all tests share: the servers they can ask for (see ``tests.support.fixtures``)."""

import re

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.fixtures"]

# A busy machine is slow, not wrong; and the same examples each time, so that a failure is ours.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Random uuids stay out of test ids: pytest-xdist wants the same ids in every worker."""
    return _UUID.sub("uuid", val) if isinstance(val, str) and _UUID.search(val) else None
