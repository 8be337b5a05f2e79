"""Trackers and the events about them."""

import datetime as dt
import hashlib
import hmac
import unicodedata
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.calls import json_bytes
from crossdock_sandbox.easypost.store import Json, new_id
from crossdock_sandbox.webhooks import Delivery, Signature

FINAL = frozenset({"delivered", "return_to_sender", "failure", "cancelled", "error"})

Status = Literal[
    "unknown",
    "pre_transit",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "available_for_pickup",
    "return_to_sender",
    "failure",
    "cancelled",
    "error",
]
Text = Annotated[str, StringConstraints(max_length=500)]

_DETAILS = {
    "pre_transit": "label_created",
    "in_transit": "departed_facility",
    "out_for_delivery": "out_for_delivery",
    "delivered": "arrived_at_destination",
    "available_for_pickup": "arrived_at_pickup_location",
    "return_to_sender": "return",
    "failure": "delivery_exception",
    "cancelled": "cancelled",
}


class Scan(BaseModel):
    """`POST /_sandbox/trackers/{tracking_code}/advance`: what the carrier says next."""

    model_config = ConfigDict(extra="forbid")

    status: Status
    status_detail: Text | None = None
    message: Text | None = None
    carrier_code: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    zip: Text | None = None
    datetime: dt.datetime | None = None
    signed_by: Text | None = None
    webhook: bool = True  # false: the tracker changes, and nobody is told
    copies: int = Field(default=1, ge=1, le=100)
    signature: Signature = Signature.GOOD


def new_tracker(shipment_id: str, code: str, carrier: str, base_url: str) -> Json:
    now = clock.rfc3339(clock.now())
    tracker_id = new_id("trk")
    return {
        "id": tracker_id,
        "object": "Tracker",
        "mode": "test",
        "tracking_code": code,
        "status": "unknown",
        "status_detail": "unknown",
        "created_at": now,
        "updated_at": now,
        "signed_by": None,
        "weight": None,
        "est_delivery_date": None,
        "shipment_id": shipment_id,
        "carrier": carrier,
        "is_return": False,
        "finalized": False,
        "tracking_details": [],
        "carrier_detail": None,
        "fees": [],
        "public_url": f"{base_url}/track/{tracker_id}",
    }


def advanced(tracker: Json, scan: Scan) -> Json:
    """The tracker after this scan."""
    detail = scan.status_detail or _DETAILS.get(scan.status, "unknown")
    at = clock.rfc3339(scan.datetime.astimezone() if scan.datetime else clock.now())
    entry = {
        "object": "TrackingDetail",
        "message": scan.message or scan.status.replace("_", " ").capitalize(),
        "description": "",
        "status": scan.status,
        "status_detail": detail,
        "datetime": at,
        "source": tracker["carrier"],
        "carrier_code": scan.carrier_code,
        "tracking_location": {
            "object": "TrackingLocation",
            "city": scan.city,
            "state": scan.state,
            "country": scan.country,
            "zip": scan.zip,
        },
    }
    return tracker | {
        "status": scan.status,
        "status_detail": detail,
        "signed_by": scan.signed_by or tracker["signed_by"],
        "finalized": scan.status in FINAL,
        "updated_at": clock.rfc3339(clock.now()),
        "tracking_details": [*tracker["tracking_details"], entry],
    }


def event(description: str, result: Json, previous: Json) -> Json:
    return {
        "id": new_id("evt"),
        "object": "Event",
        "mode": "test",
        "description": description,
        "previous_attributes": previous,
        "pending_urls": [],
        "completed_urls": [],
        "status": "pending",
        "created_at": clock.rfc3339(clock.now()),
        "result": result,
    }


def delivery_of(
    told: Json, reference: str, url: str, secret: str | None, signature: Signature = Signature.GOOD
) -> Delivery:
    """The event as a POST; signed only where the webhook was registered with a secret."""
    body = json_bytes(told)
    headers = {"Content-Type": "application/json", "User-Agent": "EasyPost/v2 WebhookSandbox"}
    if secret is not None and signature is not Signature.MISSING:
        key = secret if signature is Signature.GOOD else f"not-{secret}"
        headers["X-Hmac-Signature"] = sign(key, body)
    return Delivery("easypost", told["description"], reference, told["id"], url, headers, body)


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 over the raw body; the key is the secret in NFKD form, in UTF-8.

    Source: EasyPost/easypost-python, easypost/util.py, read 2026-11-21.
    """
    key = unicodedata.normalize("NFKD", secret).encode()
    return f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"
