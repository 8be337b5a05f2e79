"""A process of its own where providers are installed, because there is one per process."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from crossdock_chassis.telemetry import current_traceparent, parse_traceparent, span
from crossdock_cli.embedded.databases import DatabaseUrls

from .conftest import Start

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_without_any_provider_a_trace_begins_and_is_handed_on() -> None:
    assert current_traceparent() is None

    with span("intake"):
        outer = current_traceparent()
        with span("import"):
            inner = current_traceparent()

    assert outer is not None
    assert parse_traceparent(outer) is not None
    assert inner is not None
    assert inner.split("-")[1] == outer.split("-")[1]
    assert current_traceparent() is None


def test_a_parent_from_a_row_or_a_header_goes_before_the_current_span() -> None:
    with span("poll"), span("process order.created", parent=PARENT):
        traceparent = current_traceparent()

    assert traceparent is not None
    assert traceparent.split("-")[1] == TRACE


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "00-short-b7ad6b7169203331-01",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{TRACE}-0000000000000000-01",
        f"00-{'g' * 32}-b7ad6b7169203331-01",
        f"{PARENT}-more",
    ],
)
def test_what_is_no_traceparent_is_not_taken_for_one(value: str | None) -> None:
    assert parse_traceparent(value) is None


@dataclass
class Collector:
    """An OTLP/HTTP endpoint that remembers."""

    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.bodies.append((self.path, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


async def test_spans_and_metrics_reach_the_collector_before_the_process_ends(
    urls: DatabaseUrls, start: Start, collector: Collector
) -> None:
    running = await start(urls, "api", DEMO_OTLP_ENDPOINT=collector.url)
    async with await running.client() as client:
        await client.get("/v1/slow?seconds=0&email=jane", headers={"traceparent": PARENT})
    running.process.send_signal(signal.SIGTERM)
    assert await running.ended() == 0

    paths = {path for path, _ in collector.bodies}
    spans = [
        one
        for path, body in collector.bodies
        if path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for one in scope.spans
    ]
    assert paths == {"/v1/traces", "/v1/metrics"}
    served = next(one for one in spans if one.name == "GET /v1/slow")
    assert served.trace_id.hex() == TRACE
    assert not [body for _, body in collector.bodies if b"jane" in body]


async def test_metrics_name_routes_and_statuses_and_no_query(urls: DatabaseUrls, start: Start) -> None:
    running = await start(urls, "api", DEMO_METRICS_ENABLED="true")

    async with await running.client() as client:
        await client.get("/v1/slow?seconds=0&email=jane")
        await client.get("/v1/nothing/jane")
        await asyncio.sleep(0.2)
        metrics = (await client.get("/metrics")).text

    counts = [
        line for line in metrics.splitlines() if line.startswith("http_server_request_duration_seconds_count")
    ]
    assert any('http_route="/v1/slow"' in one and 'status_code="200"' in one for one in counts)
    assert any('http_route="unknown"' in one and 'status_code="404"' in one for one in counts)
    lag = [line for line in metrics.splitlines() if line.startswith("crossdock_loop_lag_seconds_bucket")]
    assert any('le="0.05"' in one for one in lag)
    assert "jane" not in json.dumps(metrics)
