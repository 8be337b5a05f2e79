"""What notify-service promises, measured: how soon a buyer is told."""

import time
from collections.abc import Iterable

from crossdock_chassis.ids import made_at_s
from crossdock_chassis.telemetry import journeys
from notify_service.use_cases.send_message import Ready

_delay = journeys.create_histogram(
    "crossdock.notification.delay",
    unit="s",
    description="From the event that is told of to the channel's word that it took the message",
    explicit_bucket_boundaries_advisory=(1, 5, 15, 30, 60, 120, 300, 900, 3600, 14_400, 86_400),
)


def measure_sent(sent: Iterable[Ready]) -> None:
    """An event's id says when it was made. What a person has sent again is no delay of ours."""
    now_s = time.time()
    for one in sent:
        event_id = one.cause.event_id
        if event_id is not None and one.message.revision == 1:
            _delay.record(max(0.0, now_s - made_at_s(event_id)), {"template": one.message.template.value})
