"""GET /tracking, and the control calls that move parcels."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request

from crossdock_sandbox import clock
from crossdock_sandbox.dhl_express.errors import refused
from crossdock_sandbox.dhl_express.store import Store

MOST_NUMBERS = 200
_PARAMETERS = {
    "shipmentTrackingNumber",
    "trackingView",
    "levelOfDetail",
    "requestGMTOffsetPerEvent",
}

Text = Annotated[str, StringConstraints(max_length=500)]


class Scan(BaseModel):
    """`POST /_sandbox/shipments/{number}/scan`: what happens to the parcel next. `at`: now, if it is not
    said; an earlier one comes late. `place` and `country` make the service area.
    """

    model_config = ConfigDict(extra="forbid")

    type_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    description: Text = ""
    place: Text = "Leipzig"
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "DE"
    at: dt.datetime | None = None
    signed_by: Text = ""
    copies: int = Field(default=1, ge=1, le=100)


class Withdrawal(BaseModel):
    """`POST /_sandbox/shipments/{number}/withdraw`: the newest event of this code is not told any more."""

    model_config = ConfigDict(extra="forbid")

    type_code: str


def add_scan(store: Store, number: str, scan: Scan) -> None:
    at = (scan.at or clock.now()).astimezone(scan.at.tzinfo if scan.at else dt.UTC)
    offset = at.strftime("%z")
    event = {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H:%M:%S"),
        "GMTOffset": f"{offset[:3]}:{offset[3:5]}",
        "typeCode": scan.type_code,
        "description": scan.description or f"{scan.type_code} at {scan.place}",
        "serviceArea": [{"code": scan.place[:3].upper(), "description": f"{scan.place}-{scan.country}"}],
        "signedBy": scan.signed_by,
    }
    for _ in range(scan.copies):
        store.add_event(number, clock.precise(at), event)


def tracked(store: Store, request: Request) -> dict[str, Any]:
    """The answer to GET /tracking. Raises Refused: for a wrong parameter, and when nothing is found."""
    query = request.query_params
    unknown = next((name for name in query if name not in _PARAMETERS), None)
    if unknown is not None:
        raise refused(f"No such parameter in the sandbox: {unknown}")
    numbers = [one for one in query.get("shipmentTrackingNumber", "").split(",") if one]
    if not 1 <= len(numbers) <= MOST_NUMBERS:
        raise refused("Parameters not having correct format: shipmentTrackingNumber (1 to 200 numbers)")
    if query.get("trackingView", "all-checkpoints") != "all-checkpoints":
        raise refused("Parameters not having correct format: trackingView (not in the sandbox)")
    offsets = query.get("requestGMTOffsetPerEvent") == "true"
    found = [_shipment(store, one, offsets=offsets) for one in dict.fromkeys(numbers)]
    shipments = [one for one in found if one is not None]
    if not shipments:
        raise refused("7163: Shipment information not found", 404)
    return {"shipments": shipments}


def _shipment(store: Store, number: str, *, offsets: bool) -> dict[str, Any] | None:
    sold = store.sold(number)
    if sold is None:
        return None
    hidden = () if offsets else ("GMTOffset",)
    events = [
        {name: value for name, value in one.items() if name not in hidden} for one in store.events(number)
    ]
    return {
        "shipmentTrackingNumber": number,
        "status": "Success",
        "productCode": sold["productCode"],
        "events": events,
        "numberOfPieces": len(sold["content"]["packages"]),
    }
