"""What all tests share: the servers they can ask for (see ``tests.support.fixtures``)."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.fixtures"]

# A busy machine is slow, not wrong; and the same examples each time, so that a failure is ours.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")
