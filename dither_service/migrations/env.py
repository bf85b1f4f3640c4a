"""Alembic's door to this service's tables."""

from dither_service.models import metadata
from shared.migrations import run_environment

run_environment(metadata)
