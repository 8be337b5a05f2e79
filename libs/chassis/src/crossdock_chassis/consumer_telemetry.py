"""What a consumer measures and traces. Without providers both cost next to nothing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from crossdock_chassis.incoming import Incoming
from crossdock_chassis.telemetry import meter, span

#: More events than this in a batch share one span, with a link to each.
MAX_OWN_SPANS = 10

records_total = meter.create_counter(
    "crossdock.consumer.records", "1", "records by outcome: applied, duplicate, fenced, parked"
)
rebalances_total = meter.create_counter("crossdock.consumer.rebalances", "1", "assignments received")
rebuilds_total = meter.create_counter(
    "crossdock.consumer.rebuilds", "1", "Kafka clients given up and made anew"
)
retries_total = meter.create_counter(
    "crossdock.consumer.retries", "1", "batches rolled back, to be tried again"
)
lag = meter.create_gauge("crossdock.consumer.lag", "s", "age of the oldest record taken and not yet handled")
handler_duration = meter.create_histogram("crossdock.consumer.handler.duration", "s", "time in a handler")


OUTCOMES = ("applied", "duplicate", "fenced", "parked")


def start_at_zero(consumer: str) -> None:
    """Show every counter before it counts: the first one of a kind is an increase, too."""
    for counter in (rebalances_total, rebuilds_total, retries_total):
        counter.add(0, {"consumer": consumer})
    for outcome in OUTCOMES:
        records_total.add(0, {"consumer": consumer, "outcome": outcome})


@contextmanager
def process_spans(consumer: str, records: Sequence[Incoming]) -> Iterator[None]:
    """The work on these events, in spans that continue their traces; none where nobody collects them."""
    if not records or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        yield
        return
    common: dict[str, str | int | float | bool] = {
        "messaging.system": "kafka",
        "messaging.consumer.group.name": consumer,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
    }
    with ExitStack() as spans:
        if len(records) > MAX_OWN_SPANS:
            parents = [parent for one in records if (parent := one.header("traceparent")) is not None]
            count = {"messaging.batch.message_count": len(records)}
            spans.enter_context(
                span(f"process {consumer}", SpanKind.CONSUMER, links=parents, attributes={**common, **count})
            )
        else:
            for one in records:
                attributes = {
                    **common,
                    "messaging.destination.name": one.partition.topic,
                    "messaging.destination.partition.id": str(one.partition.partition),
                    "messaging.kafka.offset": one.offset,
                    "messaging.message.id": str(one.event_id),
                }
                spans.enter_context(
                    span(
                        f"process {one.partition.topic}",
                        SpanKind.CONSUMER,
                        parent=one.header("traceparent"),
                        attributes=attributes,
                    )
                )
        yield
