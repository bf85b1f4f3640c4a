"""Alembic's entry point, with the tables of this service."""

from dither_service.models import metadata
from shared.migrations import run_environment

run_environment(metadata)
