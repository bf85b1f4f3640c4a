"""The settings of the dither service, all of them environment variables."""

import re
from typing import Self

from pydantic import Field, model_validator

from shared.settings import Addresses, OwnerSettings, ServiceSettings
from shared.storage.settings import StorageSettings


class DitherSettings(ServiceSettings, OwnerSettings, StorageSettings):
    port: int = Field(8002, ge=1, le=65535, description="Port to listen on")
    upload_service_url: Addresses = Field(
        "http://127.0.0.1:8001", description="Upload service: one address, or several with commas"
    )
    upload_service_timeout_seconds: float = Field(
        3, gt=0, description="How long the upload service may take to tell of an image"
    )
    max_upload_bytes: int = Field(
        20 * 1024 * 1024, ge=1, description="Largest file that may be uploaded, in bytes"
    )
    max_pixels: int = Field(
        50_000_000, ge=1, description="Most pixels (width × height) an image may have"
    )
    max_frames: int = Field(500, ge=1, description="Most frames an animation may have")
    max_job_seconds: float = Field(
        60, gt=0, description="Most CPU seconds a dither may be estimated to take; else it fails"
    )
    max_queued_seconds: float = Field(
        1800, gt=0, description="Most work that may be queued for one owner, in CPU seconds"
    )
    max_request_seconds: float = Field(
        8, gt=0, description="The same for previews and POST /dither, which a client waits for"
    )
    max_job_memory_bytes: int = Field(
        900 * 1024 * 1024, ge=1, description="Most memory that a large picture may take, in bytes"
    )
    max_result_bytes: int = Field(
        64 * 1024 * 1024, ge=1, description="Largest dithered file that is stored, in bytes"
    )
    max_attempts: int = Field(
        3, ge=1, description="A dither whose process has died so often is given up"
    )
    max_previews: int = Field(
        2, ge=1, description="Previews worked on at once; more wait a moment, then are told 503"
    )
    preview_wait_seconds: float = Field(
        5, gt=0, description="How long a preview waits for its turn"
    )
    preview_memory_bytes: int = Field(
        128 * 1024 * 1024, ge=0, description="Memory for pictures that are previewed, in bytes"
    )
    preview_keep_seconds: float = Field(
        900, gt=0, description="How long an unused picture stays in that memory"
    )
    dither_call_max_files: int = Field(
        20, ge=1, description="Most files that one call of POST /dither takes"
    )
    dither_call_max_bytes: int = Field(
        100 * 1024 * 1024, ge=1, description="Largest body of POST /dither, all its files together"
    )
    dither_call_seconds: float = Field(
        8,
        gt=0,
        description="How long dithering one image may take in one call; less than "
        "UPSTREAM_RESPONSE_TIMEOUT_SECONDS",
    )
    dither_calls_at_once: int = Field(
        2, ge=1, description="Images dithered at once in calls; more wait, then are told 503"
    )
    dither_url_hosts: str = Field(
        "",
        description="Hosts, with commas, that GET /dither?url= may fetch pictures from: "
        "images.example.org, *.example.net; empty: none",
    )
    dither_url_seconds: float = Field(
        5, gt=0, description="How long fetching such a picture may take"
    )
    dither_url_cache_seconds: int = Field(
        300, ge=0, description="How long clients and caches may keep the answer"
    )

    @property
    def url_hosts(self) -> list[str]:
        """The hosts that may be fetched from, in lower case."""
        return [host.strip().lower() for host in self.dither_url_hosts.split(",") if host.strip()]

    @model_validator(mode="after")
    def _hosts_are_names(self) -> Self:
        for host in self.url_hosts:
            if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", host):
                raise ValueError(
                    f"DITHER_URL_HOSTS: {host!r} is no host such as images.example.org or "
                    "*.example.org"
                )
        return self
