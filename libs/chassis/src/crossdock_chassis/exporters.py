"""What telemetry is sent to, as the settings say. Imported only by the process that starts it."""

import os
import socket
from collections.abc import Callable, Sequence

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from prometheus_client import CollectorRegistry, generate_latest

from crossdock_chassis.config import ServiceSettings

#: Bounds for what is measured in seconds, from a query to a late timer. The SDK's own are made for
#: milliseconds and would put nearly all into one bucket. The first fourteen are OpenTelemetry's for HTTP.
#: What takes minutes to days is on the meter `journeys` and names its own bounds.
_SECONDS = View(
    meter_name="crossdock",
    instrument_type=Histogram,
    instrument_unit="s",
    aggregation=ExplicitBucketHistogramAggregation(
        (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 3600)
    ),
)

#: As often as what waits is looked at (backlog.py).
_PUSH_EVERY_MS = 15_000


class Telemetry:
    """What `setup` started. `render_metrics` makes the body of /metrics; None where metrics are off."""

    def __init__(
        self, render_metrics: Callable[[], bytes] | None, shutdowns: Sequence[Callable[[], object]]
    ) -> None:
        self.render_metrics = render_metrics
        self._shutdowns = shutdowns

    def shutdown(self) -> None:
        """Send what is buffered. Blocks for up to some seconds: call it from a thread."""
        for one in self._shutdowns:
            one()


def setup(service: str, settings: ServiceSettings, *, version: str = "") -> Telemetry:
    """Install the providers the settings ask for; none at all is fine. Once per process."""
    # Two processes of a service must not write the same series.
    instance = f"{socket.gethostname()}:{os.getpid()}"
    resource = Resource.create(
        {"service.name": service, "service.version": version, "service.instance.id": instance}
    )
    shutdowns: list[Callable[[], object]] = []
    readers: list[MetricReader] = []
    render: Callable[[], bytes] | None = None
    if settings.otlp_endpoint is not None:
        # Imported here: a quarter of a second of every start that has no use for them.
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        endpoint = settings.otlp_endpoint.rstrip("/")
        tracers = TracerProvider(
            ParentBasedTraceIdRatio(settings.trace_sample_ratio), resource, shutdown_on_exit=False
        )
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=5)))
        trace.set_tracer_provider(tracers)
        shutdowns.append(tracers.shutdown)
        pushed = OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=5)
        readers.append(PeriodicExportingMetricReader(pushed, export_interval_millis=_PUSH_EVERY_MS))
    if settings.metrics_enabled:
        registry = CollectorRegistry()
        readers.append(PrometheusMetricReader(registry=registry))

        def render_registry() -> bytes:
            return generate_latest(registry)

        render = render_registry
    if readers:
        meters = MeterProvider(readers, resource, shutdown_on_exit=False, views=[_SECONDS])
        metrics.set_meter_provider(meters)
        shutdowns.append(lambda: meters.shutdown(timeout_millis=3_000))
    return Telemetry(render, shutdowns)
