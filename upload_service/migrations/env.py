"""Alembic's entry point, with the tables of this service."""

from shared.migrations import run_environment
from upload_service.models import metadata

run_environment(metadata)
