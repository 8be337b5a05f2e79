"""What the tracking service answers, and the control call that moves a parcel."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.yanwen.store import Order, Store

#: As many as Yanwen takes in one call.
MOST_NUMBERS = 30

Text = Annotated[str, StringConstraints(max_length=500)]
Json = dict[str, Any]


class Scan(BaseModel):
    """`POST /_sandbox/orders/{number}/scan`: what happens to the parcel next. `at`: now, if it is not said;
    an earlier one comes late. `zone`: None leaves it out.
    """

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(max_length=64)]
    message: Text = ""
    place: Text = "SHENZHEN"
    at: dt.datetime | None = None
    zone: Annotated[str, StringConstraints(pattern=r"^[+-]\d{2}$")] | None = "+08"
    last_mile: Literal[0, 1] = Field(default=0)


def add_scan(store: Store, waybill: str, scan: Scan) -> None:
    """The time is that of the zone, also where the text of it looks like UTC."""
    at = scan.at or clock.now()
    local = at.astimezone(dt.timezone(dt.timedelta(hours=int(scan.zone or "+00"))))
    checkpoint = {
        "time_stamp": local.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time_zone": scan.zone,
        "tracking_status": scan.code,
        "message": scan.message or scan.code,
        "location": scan.place,
        "is_last_mile_checkpoint": scan.last_mile,
        "extraProperties": None,
    }
    store.add_checkpoint(waybill, clock.precise(at), checkpoint)


def answer_of(found: list[tuple[str, Order, list[Json]]]) -> Json:
    """Of the numbers that are known; nothing is said of others."""
    return {
        "code": 0,
        "message": "success",
        "result": [_parcel(*one) for one in found],
        "requestTime": clock.rfc3339(clock.now()),
        "elapsedMilliseconds": {"total": 1},
    }


def _parcel(number: str, order: Order, checkpoints: list[Json]) -> Json:
    newest = checkpoints[0]["tracking_status"] if checkpoints else ""
    return {
        "tracking_number": number,
        "waybill_number": order.waybill_number,
        "exchange_number": order.reference_number,
        "checkpoints": checkpoints,
        "tracking_status": newest,
        "tracking_status_waybill": {"level1": "", "level2": "", "level3": newest},
        "last_mile_tracking_expected": True,
        "origin_country": "CN",
        "destination_country": order.request["receiverInfo"]["country"],
    }
