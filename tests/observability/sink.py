"""What telemetry is sent to in tests: an HTTP server that remembers, and OTLP read back from it."""

import gzip
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans


@dataclass(frozen=True, slots=True)
class SeenSpan:
    service: str
    name: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes


@dataclass
class Sink:
    """Every body that was posted, by path."""

    url: str = ""
    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    def of(self, path: str) -> list[bytes]:
        return [body for found, body in list(self.bodies) if found == path]

    def spans(self) -> list[SeenSpan]:
        return [
            SeenSpan(
                _service(resource.resource.attributes),
                one.name,
                one.trace_id,
                one.span_id,
                one.parent_span_id,
            )
            for resource in self._traces()
            for scope in resource.scope_spans
            for one in scope.spans
        ]

    def attributes(self) -> set[str]:
        """The names of all attributes of resources, spans and measurements."""
        found = {one.key for resource in self._traces() for one in resource.resource.attributes}
        for resource in self._traces():
            found |= {one.key for scope in resource.scope_spans for s in scope.spans for one in s.attributes}
        for body in self.of("/v1/metrics"):
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in measured.scope_metrics:
                    for metric in scope.metrics:
                        kind = getattr(metric, metric.WhichOneof("data") or "gauge")
                        found |= {one.key for point in kind.data_points for one in point.attributes}
        return found

    def _traces(self) -> Iterator[ResourceSpans]:
        for body in self.of("/v1/traces"):
            yield from ExportTraceServiceRequest.FromString(body).resource_spans


def _service(attributes: Iterable[KeyValue]) -> str:
    return next((one.value.string_value for one in attributes if one.key == "service.name"), "")


@contextmanager
def sink(host: str = "127.0.0.1", port: int = 0) -> Iterator[Sink]:
    """A server that takes whatever is posted to it."""
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found.bodies.append((self.path, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://{host}:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
