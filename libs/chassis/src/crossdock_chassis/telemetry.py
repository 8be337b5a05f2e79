"""OpenTelemetry: exporters where an endpoint is named, and W3C trace context always.

Without an endpoint nothing is recorded, but a trace still begins at every entry and is handed on, so that
logs and rows of one order share a trace id.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context, metrics, trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

#: More links than this on one span are dropped by collectors anyway.
MAX_LINKS = 128

_tracer = trace.get_tracer("crossdock")
meter = metrics.get_meter("crossdock")
#: For histograms that say their own bounds, because what they measure takes minutes to days.
journeys = metrics.get_meter("crossdock.journeys")


def parse_traceparent(value: str | None) -> SpanContext | None:
    """Read a W3C `traceparent`; None when it is missing or not valid."""
    if value is None or len(value) < 55:
        return None
    version, trace_id, span_id, flags = value[:2], value[3:35], value[36:52], value[53:55]
    if version == "ff" or (version == "00" and len(value) != 55):
        return None
    try:
        parsed = SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16) & 1)
        )
    except ValueError:
        return None
    return parsed if parsed.is_valid else None


def current_traceparent() -> str | None:
    """The `traceparent` to write into rows and headers; None outside every span."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return None
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags & 1:02x}"


def current_trace_id() -> str | None:
    current = trace.get_current_span().get_span_context()
    return f"{current.trace_id:032x}" if current.is_valid else None


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    parent: str | None = None,
    links: Sequence[str] = (),
    attributes: Mapping[str, str | int | float | bool] | None = None,
) -> Iterator[Span]:
    """Work inside a span. `parent` and `links` are traceparents; without a parent the current span is it.

    Inside there is always a trace: where none came in, one begins here. An error is noted by its type alone,
    because its text may hold what does not belong into a trace.
    """
    above = parse_traceparent(parent)
    inherited = set_span_in_context(NonRecordingSpan(above)) if above is not None else context.get_current()
    started = _tracer.start_span(
        name,
        inherited,
        kind,
        attributes=dict(attributes or {}),
        links=[Link(one) for one in map(parse_traceparent, links[:MAX_LINKS]) if one is not None],
    )
    if not started.get_span_context().is_valid:
        started = NonRecordingSpan(_new_trace())
    token = context.attach(set_span_in_context(started, inherited))
    try:
        yield started
    except Exception as error:
        started.set_status(Status(StatusCode.ERROR))
        started.set_attribute("error.type", type(error).__qualname__)
        raise
    finally:
        context.detach(token)
        started.end()


def _new_trace() -> SpanContext:
    # Names, not secrets; the generator is seeded per process by the operating system.
    return SpanContext(
        random.getrandbits(128) | 1,
        random.getrandbits(64) | 1,
        is_remote=False,
        trace_flags=TraceFlags(0),
    )
