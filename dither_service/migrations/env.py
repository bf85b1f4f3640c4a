"""Alembic's entry point: which tables this service has."""

from dither_service.models import metadata
from shared.migrations import run_environment

run_environment(metadata)
