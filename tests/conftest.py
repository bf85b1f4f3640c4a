"""What all tests share: the servers they can ask for (see ``tests.support.fixtures``)."""

pytest_plugins = ["tests.support.fixtures"]
