"""What the dashboards show, as rows of panels; generate.py makes Grafana's JSON of it.

Gauges of what waits are the same in every process of a service, so the highest is shown, never the sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SERVICES: Final = ("order", "inventory", "shipping", "notify")
_RATE: Final = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries`: legend -> PromQL. `unit` is Grafana's name of it. `says`: how to read it."""

    title: str
    unit: str
    queries: Mapping[str, str]
    says: str
    kind: str = "timeseries"


Rows = Mapping[str, Sequence[Panel]]


def boards() -> Mapping[str, tuple[str, Rows]]:
    """File name -> title and rows."""
    services = {f"service-{one}": (f"Crossdock: {one}-service", _service(one)) for one in SERVICES}
    return {
        "orders": ("Crossdock: the journey of orders", _journey()),
        "messages": ("Crossdock: messages", _messages()),
        **services,
    }


def _rates(counter: str, *by: str, labels: str = "") -> Mapping[str, str]:
    legend = " ".join(f"{{{{{one}}}}}" for one in by)
    return {legend: f"sum by ({', '.join(by)}) (rate({counter}{labels}{_RATE}))"}


def _p95(histogram: str, by: str, labels: str = "") -> Mapping[str, str]:
    buckets = f"sum by ({by}, le) (rate({histogram}_bucket{labels}{_RATE}))"
    return {f"{{{{{by}}}}} p95": f"histogram_quantile(0.95, {buckets})"}


def _highest(gauge: str, *by: str) -> Mapping[str, str]:
    legend = " ".join(f"{{{{{one}}}}}" for one in ("job", *by))
    return {legend: f"max by ({', '.join(('job', *by))}) ({gauge})"}


def _quantiles(histogram: str, labels: str = "") -> Mapping[str, str]:
    return {
        f"p{int(q * 100)}": f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket{labels}{_RATE})))"
        for q in (0.5, 0.95, 0.99)
    }


def _journey() -> Rows:
    webhooks = '{job="order",http_route=~"/webhooks/.+"}'
    outside = '{job=~"order|shipping"}'
    requests = "http_server_request_duration_seconds"
    return {
        "Promises": [
            Panel(
                "Error budget left",
                "percentunit",
                {"{{slo}}": "slo:error_budget_left:ratio30d"},
                "What is left of 30 days' budget; below 0 the promise is broken.",
                "stat",
            ),
            Panel(
                "Bad events",
                "percentunit",
                {"{{slo}}": "slo:bad_events:rate1h / slo:events:rate1h"},
                "Share of bad events over an hour.",
            ),
        ],
        "In": [
            Panel(
                "Webhooks",
                "reqps",
                _rates(f"{requests}_count", "http_response_status_code", labels=webhooks),
                "Deliveries of marketplaces, by our answer. 401: a wrong signature.",
            ),
            Panel("Time to answer", "s", _quantiles(requests, webhooks), "Stored and imported by then."),
        ],
        "On the way": [
            Panel(
                "Labels and tracking numbers",
                "ops",
                _rates("crossdock_job_attempts_total", "kind", "outcome", labels=outside),
                "Calls to carriers and marketplaces, by what came of them.",
            ),
            Panel(
                "Time at carriers and marketplaces",
                "s",
                _p95("http_client_request_duration_seconds", "crossdock_destination"),
                "A call that takes long holds a place in its lane.",
            ),
        ],
        "Out": [
            Panel(
                "Parcels handed over",
                "short",
                {"an hour": "sum(rate(crossdock_order_time_to_ship_seconds_count[1h])) * 3600"},
                "Rolling hour.",
            ),
            Panel(
                "From import to hand-over",
                "s",
                _quantiles("crossdock_order_time_to_ship_seconds"),
                "By parcel; the warehouse's time is in it.",
            ),
            Panel(
                "Tracking numbers told",
                "ops",
                _rates("crossdock_write_back_settled_total", "outcome"),
                "Anything but in_time costs the seller.",
            ),
            Panel(
                "From event to mail",
                "s",
                _quantiles("crossdock_notification_delay_seconds"),
                "Up to the mail server's word.",
            ),
        ],
        "Waiting for a person": [
            Panel("Open items", "short", _highest("crossdock_worklist_items", "list"), "See the runbooks."),
            Panel(
                "Oldest open item",
                "s",
                _highest("crossdock_worklist_age_seconds", "list"),
                "Above a day somebody forgot it.",
            ),
        ],
    }


def _messages() -> Rows:
    return {
        "Outbox": [
            Panel("Outbox age", "s", _highest("crossdock_outbox_age_seconds"), "Alarms above a minute."),
            Panel("Events not sent", "short", _highest("crossdock_outbox_rows"), "Falls when relays work."),
            Panel("Sent", "ops", _rates("crossdock_relay_rows_sent_total", "job"), "Acknowledged."),
            Panel("Refused by the broker", "short", _highest("crossdock_outbox_parked_rows"), "Has to be 0."),
        ],
        "Lag in time": [
            Panel(
                "Oldest record in hand",
                "s",
                _highest("crossdock_consumer_lag_seconds", "topic"),
                "As the consumers see it. Alarms above a minute.",
            ),
            Panel(
                "Since the end of the topic",
                "s",
                _highest("crossdock_topic_lag_seconds", "topic"),
                "As the database has it, also when no consumer runs. Some seconds are usual on a busy topic.",
            ),
            Panel(
                "Records",
                "ops",
                _rates("crossdock_consumer_records_total", "job", "outcome"),
                "duplicate and fenced are harmless: seen before.",
            ),
            Panel(
                "Batches tried again",
                "ops",
                _rates("crossdock_consumer_retries_total", "job"),
                "A database that is away or busy.",
            ),
        ],
        "Parked": [
            Panel("Keys that rest", "short", _highest("crossdock_parked_keys"), "1,000 stop the consumer."),
            Panel("Oldest of them", "s", _highest("crossdock_parked_age_seconds"), "Replay or discard."),
        ],
        "Jobs and timers": [
            Panel(
                "Oldest open job",
                "s",
                _highest("crossdock_job_age_seconds", "kind", "destination"),
                "check_void waits for the carrier, often for days.",
            ),
            Panel(
                "Past the deadline", "short", _highest("crossdock_job_late", "kind", "destination"), "Jobs."
            ),
            Panel(
                "Circuits",
                "short",
                _highest("crossdock_job_circuit", "destination"),
                "0 closed, 1 half open, 2 open: the worst party's.",
            ),
            Panel("Oldest timer", "s", _highest("crossdock_timer_overdue_seconds"), "Alarms above 5 min."),
        ],
    }


def _service(name: str) -> Rows:
    job = f'{{job="{name}"}}'
    requests, handlers = "http_server_request_duration_seconds", "crossdock_consumer_handler_duration_seconds"
    rows: dict[str, Sequence[Panel]] = {
        "API": [
            Panel(
                "Requests",
                "reqps",
                _rates(f"{requests}_count", "http_route", "http_response_status_code", labels=job),
                "Without probes.",
            ),
            Panel("Time to answer", "s", _quantiles(requests, job), "All routes."),
        ],
        "Consumer": [
            Panel(
                "Records",
                "ops",
                _rates("crossdock_consumer_records_total", "outcome", labels=job),
                "Applied once each.",
            ),
            Panel("Time in handlers", "s", _p95(handlers, "type", job), "All events of a type in a batch."),
        ],
        "What waits": [
            Panel("Outbox age", "s", {"age": f"max(crossdock_outbox_age_seconds{job})"}, "Oldest event."),
            Panel(
                "Lag", "s", {"{{topic}}": f"max by (topic) (crossdock_topic_lag_seconds{job})"}, "By topic."
            ),
            Panel("Keys that rest", "short", {"keys": f"max(crossdock_parked_keys{job})"}, "Has to be 0."),
            Panel(
                "Worklists", "short", {"{{list}}": f"max by (list) (crossdock_worklist_items{job})"}, "Open."
            ),
        ],
        "Processes": [
            Panel(
                "Event loop, p95",
                "s",
                _p95("crossdock_loop_lag_seconds", "instance", job),
                "Above half a second probes suffer.",
            ),
            Panel(
                "Processes",
                "short",
                {"seen": f"count(count by (instance) (crossdock_loop_lag_seconds_count{job}))"},
                "That push metrics.",
            ),
        ],
    }
    if name != "inventory":  # it calls nobody
        rows["Jobs"] = [
            Panel(
                "Attempts",
                "ops",
                _rates("crossdock_job_attempts_total", "kind", "outcome", labels=job),
                "returned: done or refused.",
            ),
            Panel(
                "Open jobs",
                "short",
                {"{{kind}} {{state}}": f"max by (kind, state) (crossdock_job_open{job})"},
                "needs_person: see the runbook of jobs.",
            ),
        ]
    return rows
