"""Alembic's door to this service's tables."""

from shared.migrations import run_environment
from upload_service.models import metadata

run_environment(metadata)
