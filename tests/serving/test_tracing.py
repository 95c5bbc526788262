"""Spans: one trace a request with its parts, inside of the caller's, without identifiers; none when nobody listens."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from serving.tracing import Tracing, tracing_to
from tests.serving.world import DRINKER, Shop
from tests.waiting import PATIENCE

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def listened(shop: Shop) -> InMemorySpanExporter:
    """Make the spans of this shop known."""
    spans = InMemorySpanExporter()
    shop.app.state.resources = replace(shop.resources, tracing=Tracing(SimpleSpanProcessor(spans), "test"))
    return spans


def test_a_recommendation_is_one_trace_of_its_parts(shop: Shop) -> None:
    exporter = listened(shop)
    body = {"subject": {"user_id": DRINKER}, "limit": 2}
    shop.client.post("/v1/recommendations", json=body, headers={"traceparent": CALLER})
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans.keys() == {"POST /v1/recommendations", "features", "model", "log commit"}
    whole = spans["POST /v1/recommendations"]
    assert {span.context.trace_id for span in spans.values()} == {int(CALLER.split("-")[1], 16)}
    assert whole.parent is not None
    assert whole.parent.span_id == int(CALLER.split("-")[2], 16)
    assert dict(whole.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/recommendations",
        "http.response.status_code": 200,
    }
    assert DRINKER not in "".join(span.to_json() for span in spans.values())


def test_an_error_is_its_type_and_never_its_message() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(SimpleSpanProcessor(exporter), "test")
    with pytest.raises(ValueError, match="ann"), tracing.request("GET", {}), tracing.span("features"):
        raise ValueError("ann@example.com is unknown")
    part, whole = exporter.get_finished_spans()
    assert part.attributes == {"error.type": "ValueError"}
    assert whole.status.status_code is StatusCode.ERROR
    assert "ann" not in part.to_json() + whole.to_json()
    assert not part.events


def test_without_an_endpoint_nothing_is_made() -> None:
    with tracing_to(None, "test") as tracing:
        assert tracing.span("features") is tracing.request("GET", {})
        assert isinstance(tracing.span("features"), nullcontext)
        tracing.answered(None, "GET", "/", 200)


class Receiver(BaseHTTPRequestHandler):
    """What a collector does: it takes protobufs over HTTP."""

    found: list[tuple[str, ExportTraceServiceRequest]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.found.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    Receiver.found = []
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_spans_reach_a_collector_over_http(receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least once, and not all in one request: they leave every few seconds, and again where nobody answered."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", str(PATIENCE))
    address = f"http://127.0.0.1:{receiver.server_port}/"
    with tracing_to(address, "1.2") as tracing, tracing.request("GET", {}) as span:
        with tracing.span("model"):
            pass
        tracing.answered(span, "GET", "/livez", 200)
    assert {path for path, _ in Receiver.found} == {"/v1/traces"}
    names = set()
    for spans in (one for _, sent in Receiver.found for one in sent.resource_spans):
        named = {one.key: one.value.string_value for one in spans.resource.attributes}
        assert (named["service.name"], named["service.version"]) == ("kairos", "1.2")
        names |= {span.name for one in spans.scope_spans for span in one.spans}
    assert names == {"GET /livez", "model"}
