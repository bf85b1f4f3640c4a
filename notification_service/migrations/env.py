"""Alembic's door to this service's tables."""

from notification_service.models import metadata
from shared.migrations import run_environment

run_environment(metadata)
