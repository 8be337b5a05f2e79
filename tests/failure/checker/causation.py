"""INV-25: everything that was said follows from something that somebody did, and the trace goes with it."""

from .evidence import Evidence, Logged, is_dead_letter
from .sources import SERVICES, Sources
from .verdict import Judgement

_ACTORS = """
    select event_id::text, convert_from(payload, 'UTF8')::jsonb->'actor'->>'kind' as kind
    from event_log
    where not 'ce_causationid' = any(headers) and topic not like '%.dlq'
"""

#: Orders that a marketplace told us of.
_TOLD = "select distinct order_id::text from inbound_message where order_id is not null"

#: Levels are told together for many causes, by the service itself.
_OF_NOBODY = frozenset({"stock.level_changed"})
_BEGINNERS = frozenset({"person", "marketplace", "carrier", "timer"})


async def judge_causation(sources: Sources, evidence: Evidence, judgement: Judgement) -> None:
    events = {one.event_id: one for one in evidence.events if not is_dead_letter(one.topic)}
    actors = {
        row["event_id"]: row["kind"] for service in SERVICES for row in await sources.rows(service, _ACTORS)
    }
    told = {row["order_id"] for row in await sources.rows("order", _TOLD)}
    for one in events.values():
        judgement.looked("INV-25", 1)
        name = f"{one.topic} {one.event_id} of {one.key}"
        cause_id, correlation_id = one.header("ce_causationid"), one.header("ce_correlationid")
        if cause_id is not None:
            wrong = _follows(one, events.get(cause_id), cause_id)
            if wrong is not None:
                judgement.found("INV-25", f"{name} {wrong}")
        elif one.topic not in _OF_NOBODY and actors.get(one.event_id) not in _BEGINNERS:
            judgement.found(
                "INV-25", f"{name} follows from nothing, and {actors.get(one.event_id)} began it by itself"
            )
        elif actors.get(one.event_id) == "marketplace" and one.key not in told:
            judgement.found("INV-25", f"{name} was begun by a marketplace that never told of the order")
        if correlation_id not in events:
            judgement.found("INV-25", f"{name} belongs to {correlation_id}, and nobody began that")
    _traces(evidence, events, judgement)


def _follows(event: Logged, cause: Logged | None, cause_id: str) -> str | None:
    if cause is None:
        return f"follows from event {cause_id}, which nobody committed"
    if event.header("ce_correlationid") != cause.header("ce_correlationid"):
        return f"follows from event {cause_id} and belongs to another beginning"
    if cause.header("traceparent") is not None and event.header("traceparent") is None:
        return f"follows from event {cause_id} and has lost its trace"
    return None


def _traces(evidence: Evidence, events: dict[str, Logged], judgement: Judgement) -> None:
    """What was committed with a trace lies on the topic with the same."""
    for record in evidence.ours:
        if is_dead_letter(record.topic):
            continue
        event = events.get(record.header("ce_id") or "")
        if event is None:
            continue
        judgement.looked("INV-25", 1)
        if record.header("traceparent") != event.header("traceparent"):
            judgement.found(
                "INV-25", f"record {record.place} has another trace than its event {event.event_id}"
            )
