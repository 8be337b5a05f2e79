"""GET /track/v1/details, the control calls that move parcels, and the alerts that tell of it.

Source: UPS-API/api-documentation, Tracking.yaml and UPSTrackAlert.yaml, read 2026-11-22.
"""

import datetime as dt
from typing import Annotated, Any, Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.calls import json_bytes
from crossdock_sandbox.ups.errors import (
    NO_NUMBERS,
    NOT_FOUND,
    NOT_TRACKED,
    NOTHING_KNOWN,
    TOO_MANY_NUMBERS,
    refused,
)
from crossdock_sandbox.ups.store import Store
from crossdock_sandbox.ups.wire import Subscription
from crossdock_sandbox.webhooks import Delivery, Signature

MOST_NUMBERS: Final = 100
ALERTS_LAST_S: Final = 14 * 86_400.0

Text = Annotated[str, StringConstraints(max_length=500)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{1,3}$")]


class Scan(BaseModel):
    """`POST /_sandbox/shipments/{number}/scan`: what happens to the parcel next. `at`: now, if it is not
    said; an earlier one comes late. `gmt` False: UPS does not tell the time in UTC. `signature`: of the
    alert.
    """

    model_config = ConfigDict(extra="forbid")

    type: Code
    code: Code
    status_code: Annotated[str, StringConstraints(pattern=r"^\d{3}$")] = "005"
    description: Text = ""
    city: Text = "Koeln"
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "DE"
    at: dt.datetime | None = None
    gmt: bool = True
    received_by: Text = ""
    copies: int = Field(default=1, ge=1, le=100)
    signature: Signature = Signature.GOOD


class Withdrawal(BaseModel):
    """`POST /_sandbox/shipments/{number}/withdraw`: the newest event of this `type:code` is not told any
    more.
    """

    model_config = ConfigDict(extra="forbid")

    code: str


class Portal(BaseModel):
    """`PUT /_sandbox/portal`: where alerts go, and what they carry as x-api-key."""

    model_config = ConfigDict(extra="forbid")

    url: Text
    api_key: Text


def add_scan(store: Store, number: str, scan: Scan) -> list[Delivery]:
    """Keep it, and say what has to be told: one alert for each copy, where somebody asked for them."""
    at = scan.at or clock.now()
    event = _event(scan, at)
    for _ in range(scan.copies):
        store.add_event(number, clock.precise(at), event)
    listener = store.listener(number)
    if listener is None:
        return []
    url, api_key = listener
    return [_alert(number, scan, at, url, api_key) for _ in range(scan.copies)]


def _event(scan: Scan, at: dt.datetime) -> dict[str, Any]:
    utc, offset = at.astimezone(dt.UTC), at.strftime("%z")
    event: dict[str, Any] = {
        "location": {"address": {"city": scan.city, "countryCode": scan.country}, "slic": "1234"},
        "status": {
            "type": scan.type,
            "description": scan.description or f"{scan.code} at {scan.city}",
            "code": scan.code,
            "statusCode": scan.status_code,
        },
        "date": at.strftime("%Y%m%d"),
        "time": at.strftime("%H%M%S"),
    }
    if scan.gmt:
        event["gmtDate"] = utc.strftime("%Y%m%d")
        event["gmtTime"] = utc.strftime("%H:%M:%S")
        event["gmtOffset"] = f"{offset[:3]}:{offset[3:5]}"
    return event


def _alert(number: str, scan: Scan, at: dt.datetime, url: str, api_key: str) -> Delivery:
    utc = at.astimezone(dt.UTC)
    body = {
        "trackingNumber": number,
        "localActivityDate": at.strftime("%Y%m%d"),
        "localActivityTime": at.strftime("%H%M%S"),
        "activityLocation": {
            "city": scan.city,
            "stateProvince": "",
            "postalCode": "",
            "country": scan.country,
        },
        "activityStatus": {
            "type": scan.type,
            "code": scan.code,
            "description": scan.description,
            "descriptionCode": scan.status_code,
        },
        "scheduledDeliveryDate": "",
        "actualDeliveryDate": "",
        "actualDeliveryTime": "",
        "gmtActivityDate": utc.strftime("%Y%m%d"),
        "gmtActivityTime": utc.strftime("%H%M%S"),
        "receivedBy": scan.received_by,
    }
    headers = {"Content-Type": "application/json", "User-Agent": "UPSPubSubTrackingService"}
    if scan.signature is not Signature.MISSING:
        headers["x-api-key"] = api_key if scan.signature is Signature.GOOD else f"not-{api_key}"
    return Delivery("ups", "package", number, uuid4().hex, url, headers, json_bytes(body))


def tracked(store: Store, number: str) -> dict[str, Any]:
    """One number's answer. A voided shipment is known, and there is nothing to tell. Raises Refused."""
    shipment = store.shipment(number)
    if shipment is None:
        raise refused(NOT_TRACKED, "Tracking information was not found", NOT_FOUND)
    if shipment.voided:
        warning = {"code": NOTHING_KNOWN, "message": "Tracking Information Not Found"}
        return _answer({"inquiryNumber": number, "warnings": [warning]})
    events = store.events(number)
    package: dict[str, Any] = {"trackingNumber": number, "activity": events, "packageCount": 1}
    if events:
        package["currentStatus"] = events[0]["status"]
    return _answer({"inquiryNumber": number, "package": [package]})


def _answer(shipment: dict[str, Any]) -> dict[str, Any]:
    return {"trackResponse": {"shipment": [shipment]}}


def subscribed(store: Store, asked: Subscription) -> dict[str, Any]:
    """Fourteen days of news of each number that is known. Raises Refused."""
    numbers = asked.trackingNumberList
    if not numbers:
        raise refused(NO_NUMBERS, "Tracking Number List is required")
    if len(numbers) > MOST_NUMBERS:
        raise refused(TOO_MANY_NUMBERS, "More than 100 tracking numbers: the request was rejected")
    known = [one for one in numbers if store.shipment(one) is not None]
    for one in known:
        store.subscribe(one, ALERTS_LAST_S)
    return {
        "validTrackingNumbers": known,
        "invalidTrackingNumbers": [one for one in numbers if one not in known],
    }
