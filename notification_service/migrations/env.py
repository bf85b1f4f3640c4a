"""Alembic's entry point: which tables this service has."""

from notification_service.models import metadata
from shared.migrations import run_environment

run_environment(metadata)
