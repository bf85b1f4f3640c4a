"""Send spans to a collector by OTLP over HTTP. Loaded only where traces are recorded."""

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.util.re import parse_env_headers

from shared.redaction import shown_path
from shared.settings import TracingSettings


class Redaction(SpanProcessor):
    """FastAPI records the path and the query of a request as they are; some are secret."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        attributes = span.attributes or {}
        if "url.query" in attributes:
            span.set_attribute("url.query", "[hidden]")
        if "url.path" in attributes:
            span.set_attribute("url.path", shown_path(str(attributes["url.path"])))


def create_provider(service: str, settings: TracingSettings) -> TracerProvider:
    """``OTEL_RESOURCE_ATTRIBUTES`` and the SDK's other variables count as well."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.otel_traces_sampler_arg)),
        resource=Resource.create({"service.name": service, "service.namespace": "dither"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(Redaction())
    exporter = OTLPSpanExporter(
        endpoint=f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces",
        headers=parse_env_headers(
            settings.otel_exporter_otlp_headers.get_secret_value(), liberal=True
        ),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
