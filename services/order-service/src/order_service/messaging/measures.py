"""What order-service promises, measured: how soon parcels leave, and how soon marketplaces are told.

Measured from what is in hand, without a query. A batch that is rolled back and tried again is measured
twice; that is seldom, and no count that anything is decided by.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from opentelemetry.metrics import Observation

from crossdock_chassis.ids import made_at_s
from crossdock_chassis.jobs import Job
from crossdock_chassis.telemetry import journeys, meter
from crossdock_contracts.shipping import ParcelEvent, ParcelShippedV1

_MINUTE, _HOUR = 60, 3600
_MINUTES_TO_A_WEEK: Final = (
    *(minutes * _MINUTE for minutes in (1, 5, 15)),
    *(hours * _HOUR for hours in (1, 4, 12, 24, 48, 72, 168)),
)
_time_to_ship = journeys.create_histogram(
    "crossdock.order.time_to_ship",
    unit="s",
    description="From an order's import to the hand-over of each of its parcels",
    explicit_bucket_boundaries_advisory=_MINUTES_TO_A_WEEK,
)
# Observed, so that each outcome is shown at 0 before it counts: the first late one is an increase, too.
write_backs_settled = {"in_time": 0, "late": 0, "refused": 0}
meter.create_observable_counter(
    "crossdock.write_back.settled",
    callbacks=[
        lambda _: [Observation(n, {"outcome": outcome}) for outcome, n in write_backs_settled.items()]
    ],
    description="Tracking numbers by what came of them",
)


def measure_shipped(events: Iterable[ParcelEvent]) -> None:
    """How long it took since the import; an order's id says when that was."""
    for one in events:
        if isinstance(one, ParcelShippedV1):
            took_s = one.meta.time.timestamp() - made_at_s(one.order_id)
            _time_to_ship.record(max(0.0, took_s))


def measure_confirmed(jobs: Iterable[Job]) -> None:
    """The marketplaces have these tracking numbers, before their deadlines or after."""
    now = datetime.now(UTC)
    for job in jobs:
        late = job.deadline_at is not None and job.deadline_at < now
        write_backs_settled["late" if late else "in_time"] += 1


def measure_refused() -> None:
    """A marketplace does not want a tracking number; a person has to see why."""
    write_backs_settled["refused"] += 1
