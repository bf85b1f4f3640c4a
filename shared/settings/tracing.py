"""Where traces go."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.settings.base import Settings
from shared.settings.kinds import matching

_Collector = Annotated[
    str, matching(r"https?://[^@?#\s]+", "an address such as http://collector:4318")
]
_FIELDS = re.compile(r"(\s*[\w-]+=[^,\s]*\s*(,|$))*")


def _are_fields(value: SecretStr) -> SecretStr:
    if not _FIELDS.fullmatch(value.get_secret_value()):
        raise ValueError("must be name=value, or several with commas")
    return value


class TracingSettings(Settings):
    """The names are OpenTelemetry's own."""

    otel_exporter_otlp_endpoint: _Collector | None = Field(
        None,
        description="OpenTelemetry collector (OTLP over HTTP), like http://collector:4318; "
        "unset: no traces",
    )
    otel_exporter_otlp_headers: Annotated[SecretStr, AfterValidator(_are_fields)] = Field(
        SecretStr(""), description="Header fields for the collector: name=value, with commas"
    )
    otel_traces_sampler_arg: float = Field(
        1.0, ge=0, le=1, description="Share of the requests that are traced: 0 to 1"
    )
