"""Spans for OpenTelemetry: the request, and inside of it the features, the model and the commit.

Nothing is made until somebody names an endpoint. Names are route templates, and attributes hold no person. The provider
is ours alone: BentoML sets a global one up, whose middleware costs more than an answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_NOTHING: AbstractContextManager[None] = nullcontext()


class Tracing:
    """Spans into `processor`; without one nothing is made.

    What is sampled, and under which name and attributes the service appears, is said by OpenTelemetry's own variables.
    """

    def __init__(self, processor: SpanProcessor | None = None, version: str = "") -> None:
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None
        if processor is not None:
            self._provider = TracerProvider(resource=_named(version), shutdown_on_exit=False)
            self._provider.add_span_processor(processor)
            self._tracer = self._provider.get_tracer("kairos", version)

    def span(self, name: str) -> AbstractContextManager[Any]:
        """Everything until the end of the context is this part of the request."""
        return _NOTHING if self._tracer is None else _begun(self._tracer, name)

    def request(self, method: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """One request, inside of the caller's trace where `headers` name one; yields what `answered` takes."""
        if self._tracer is None:
            return _NOTHING
        context = TraceContextTextMapPropagator().extract(headers)
        return _begun(self._tracer, method, context, SpanKind.SERVER, {"http.request.method": method})

    def answered(self, span: Any, method: str, route: str, status: int) -> None:
        """How the request ended."""
        if span is not None:
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))

    def close(self) -> None:
        """Send what waits."""
        if self._provider is not None:
            self._provider.shutdown()


def _named(version: str) -> Resource:
    """Under what name the service appears, unless OpenTelemetry's variables give it another."""
    told = Resource.create()
    nameless = str(told.attributes.get("service.name", "unknown_service")).startswith("unknown_service")
    return told.merge(Resource({"service.version": version} | ({"service.name": "kairos"} if nameless else {})))


@contextmanager
def _begun(
    tracer: Tracer,
    name: str,
    context: Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str] | None = None,
) -> Iterator[Span]:
    """A span that keeps the type of an exception that ends it, not its message: that may hold whatever was sent."""
    with tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


@contextmanager
def tracing_to(endpoint: str | None, version: str) -> Iterator[Tracing]:
    """Spans over OTLP/HTTP to `endpoint`; without one, nothing, and the exporter is not loaded."""
    if endpoint is None:
        yield Tracing()
        return
    exporter = import_module(_EXPORTER)
    address = f"{endpoint.rstrip('/')}/v1/traces"
    tracing = Tracing(BatchSpanProcessor(exporter.OTLPSpanExporter(endpoint=address)), version)
    try:
        yield tracing
    finally:
        tracing.close()
