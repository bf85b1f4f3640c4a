"""The blocks that a service's settings class is built from.

Settings come from the environment (and a ``.env`` file in the working directory), are validated
once at start, and are passed to the parts that need them: there is no global settings object.
"""

from shared.settings.access import (
    LOOPBACK,
    MIN_SECRET_CHARACTERS,
    AccessSettings,
    HttpSettings,
    OwnerSettings,
)
from shared.settings.base import Settings
from shared.settings.cloudinary import CloudinaryPlace
from shared.settings.database import DatabaseSettings
from shared.settings.kafka import KafkaSettings
from shared.settings.kinds import Addresses, BaseAddress, matching, split_list
from shared.settings.tracing import TracingSettings

__all__ = [
    "LOOPBACK",
    "MIN_SECRET_CHARACTERS",
    "AccessSettings",
    "Addresses",
    "BaseAddress",
    "CloudinaryPlace",
    "DatabaseSettings",
    "HttpSettings",
    "KafkaSettings",
    "OwnerSettings",
    "ServiceSettings",
    "Settings",
    "TracingSettings",
    "matching",
    "split_list",
]


class ServiceSettings(AccessSettings, DatabaseSettings, KafkaSettings):
    """What each of the three services has: a REST API, tables, and messages."""
