"""Alembic's entry point: which tables this service has."""

from shared.migrations import run_environment
from upload_service.models import metadata

run_environment(metadata)
