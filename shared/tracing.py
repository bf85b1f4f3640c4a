"""Traces: from a browser's request through all services to the mail, by OpenTelemetry.

They are recorded only if ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set. Otherwise the SDK is not even
loaded, and ``span`` does nothing. FastAPI records the requests of the services by itself; the
gateway's are recorded in ``shared/traced_edge.py``, messages in ``shared/kafka/tracing.py``.
Decision 0020 has the reasons.

No span has the text of an exception, a query string, a signed part of a path, or an address of a
person or a client: traces may go to another company.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NoOpTracer,
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
)

from shared.context import current_trace_id, trace_context
from shared.settings import TracingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)

UNTRACED = frozenset({"/live", "/health", "/metrics"})
FLUSH_SECONDS = 1.0  # a stop waits no longer for a collector that does not answer


class _Recording:
    """What this process records with; ``provider`` is None if it records nothing."""

    provider: "TracerProvider | None" = None
    tracer: Tracer = NoOpTracer()


def start_tracing(service: str, settings: TracingSettings) -> None:
    """Send the spans of this process to the collector, if one is set."""
    if settings.otel_exporter_otlp_endpoint is not None:
        from shared.trace_export import create_provider  # noqa: PLC0415 - it loads the SDK

        record_with(create_provider(service, settings))
        logger.info("traces are recorded", extra={"share": settings.otel_traces_sampler_arg})


def stop_tracing() -> None:
    """Send what is not sent yet, and record nothing any more."""
    if (ended := _Recording.provider) is not None:
        record_with(None)
        sending = threading.Thread(target=ended.shutdown, name="last traces", daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


def record_with(chosen: "TracerProvider | None") -> None:
    _Recording.provider = chosen
    _Recording.tracer = NoOpTracer() if chosen is None else chosen.get_tracer("dither")


def is_on() -> bool:
    return _Recording.provider is not None


def provider() -> "TracerProvider | None":
    return _Recording.provider


def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Any] | None = None
) -> AbstractContextManager[Span]:
    """A part of the current trace, as long as the block runs."""
    return _span(name, kind, attributes) if is_on() else nullcontext(INVALID_SPAN)


@contextmanager
def _span(name: str, kind: SpanKind, attributes: Mapping[str, Any] | None) -> Iterator[Span]:
    with _Recording.tracer.start_as_current_span(
        name,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            note_failure(current, type(error).__qualname__)
            raise


def start_span(
    name: str,
    kind: SpanKind,
    *,
    parent: Context,
    attributes: Mapping[str, Any],
    links: Sequence[Link] = (),
) -> Span:
    """A span that is not current; the caller ends it."""
    return _Recording.tracer.start_span(
        name, context=parent, kind=kind, attributes=attributes, links=links
    )


def note_failure(of: Span, kind: str) -> None:
    """``kind`` of error; never its text, which may have secrets."""
    of.set_attribute("error.type", kind)
    of.set_status(StatusCode.ERROR)


def exemplar() -> dict[str, str] | None:
    """For a metric's observation: the current trace is an example of it."""
    return exemplar_of(current_trace_id())


def exemplar_of(trace_id: str | None) -> dict[str, str] | None:
    return None if trace_id is None else {"trace_id": trace_id}


def links_to(traceparent: str | None) -> list[Link]:
    found = get_current_span(trace_context(traceparent)).get_span_context()
    return [Link(found)] if found.is_valid else []
