"""What is told of a number, and how it is pushed."""

import datetime as dt
import hashlib
import zlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.calls import json_bytes
from crossdock_sandbox.seventeen_track.detecting import NAMES
from crossdock_sandbox.seventeen_track.store import Registered, Store
from crossdock_sandbox.webhooks import Delivery, Signature

Text = Annotated[str, StringConstraints(max_length=500)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]

_STAGES = {
    "InfoReceived": "InfoReceived",
    "InTransit_PickedUp": "PickedUp",
    "InTransit_Departure": "Departure",
    "InTransit_Arrival": "Arrival",
    "AvailableForPickup_Other": "AvailableForPickup",
    "OutForDelivery_Other": "OutForDelivery",
    "Delivered_Other": "Delivered",
    "Exception_Returning": "Returning",
    "Exception_Returned": "Returned",
}


class Scan(BaseModel):
    """`POST /_sandbox/numbers/{number}/events`: what a carrier says next. `at`: now, if it is not said; an
    earlier one comes late. `provider`: which carrier says it, if not the one the number is registered for.
    `offset_known` false: a local time and nothing else. `push` false: nobody is told.
    """

    model_config = ConfigDict(extra="forbid")

    sub_status: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+(_[A-Za-z]+)?$", max_length=60)]
    description: Text = ""
    city: Text | None = "Madrid"
    country: Country | None = "ES"
    at: dt.datetime | None = None
    offset_known: bool = True
    provider: int | None = None
    push: bool = True
    copies: int = Field(default=1, ge=1, le=100)
    signature: Signature = Signature.GOOD


def add_scan(store: Store, one: Registered, scan: Scan) -> None:
    at = (scan.at or clock.now()).astimezone(scan.at.tzinfo if scan.at else dt.UTC).replace(microsecond=0)
    event = {
        "time_iso": at.isoformat() if scan.offset_known else None,
        "time_utc": clock.rfc3339(at) if scan.offset_known else None,
        "time_raw": {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S}", "timezone": None},
        "description": scan.description or scan.sub_status,
        "description_translation": None,
        "location": scan.city,
        "stage": _STAGES.get(scan.sub_status),
        "sub_status": scan.sub_status,
        "address": {
            "country": scan.country,
            "state": None,
            "city": scan.city,
            "street": None,
            "postal_code": None,
            "coordinates": {"longitude": None, "latitude": None},
        },
    }
    store.add_event(one, scan.provider or one.carrier, clock.precise(at), event)


def told(store: Store, one: Registered) -> dict[str, Any]:
    """The number as it is answered and pushed; `track_info` is null while nothing is known."""
    events = store.events(one)
    return {
        "number": one.number,
        "carrier": one.carrier,
        "param": None,
        "tag": one.tag,
        "track_info": _track_info(one, events) if events else None,
    }


def delivery_of(
    event: str, data: dict[str, Any], url: str, key: str, signature: Signature = Signature.GOOD
) -> Delivery:
    body = json_bytes({"event": event, "data": data})
    headers = {"Content-Type": "application/json"}
    if signature is not Signature.MISSING:
        headers["sign"] = sign(key if signature is Signature.GOOD else f"not-{key}", body)
    return Delivery("seventeen_track", event, data["number"], data["number"], url, headers, body)


def sign(key: str, body: bytes) -> str:
    """SHA-256 over the raw body, a slash and the account's key.

    Source: 17TRACK's API documentation v2.2, "Webhook", read 2026-11-22.
    """
    return hashlib.sha256(body + b"/" + key.encode()).hexdigest()


def _track_info(one: Registered, events: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    latest = events[0][1]
    providers = list(dict.fromkeys([one.carrier, *(provider for provider, _ in events)]))
    local = providers[1] if len(providers) > 1 else None
    return {
        "shipping_info": {"shipper_address": {"country": None}, "recipient_address": {"country": None}},
        "latest_status": {
            "status": latest["sub_status"].partition("_")[0],
            "sub_status": latest["sub_status"],
            "sub_status_descr": None,
        },
        "latest_event": latest,
        "milestone": [
            {"key_stage": event["stage"], "time_iso": event["time_iso"], "time_utc": event["time_utc"]}
            for _, event in reversed(events)
            if event["stage"]
        ],
        "misc_info": {
            "risk_factor": 0,
            "service_type": None,
            "local_number": one.number if local else None,
            "local_provider": NAMES.get(local, str(local)) if local else None,
            "local_key": local or 0,
        },
        "tracking": {
            "providers_hash": _hash(providers),
            "providers": [
                _provider(key, [event for provider, event in events if provider == key]) for key in providers
            ],
        },
    }


def _provider(key: int, events: list[dict[str, Any]]) -> dict[str, Any]:
    name = NAMES.get(key, str(key))
    return {
        "provider": {"key": key, "name": name, "alias": name, "tel": None, "homepage": None, "country": None},
        "provider_lang": None,
        "service_type": None,
        "latest_sync_status": "Success",
        "latest_sync_time": clock.rfc3339(clock.now()),
        "events_hash": _hash(events),
        "events": events,
    }


def _hash(what: object) -> int:
    return zlib.crc32(json_bytes(what))
