"""The answer to a question about a parcel, what is pushed about it, and the control calls that move it."""

import base64
import datetime as dt
import hashlib
import json
import secrets
import time
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.calls import json_bytes
from crossdock_sandbox.webhooks import Delivery, Signature
from crossdock_sandbox.yunexpress.store import Order, Store

Text = Annotated[str, StringConstraints(max_length=500)]
Json = dict[str, Any]

BLOCK = 16


class Push(BaseModel):
    """`PUT /_sandbox/push`: where news go: `data` by itself, in a `body`, encrypted, or in the older form."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    key: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    shape: Literal["plain", "wrapped", "encrypted", "older"] = "plain"


class Scan(BaseModel):
    """`POST /_sandbox/orders/{number}/scan`: what happens to the parcel next. `at`: now, if it is not
    said; an earlier one comes late. `package_state` is told by the older form alone.
    """

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(max_length=64)]
    content: Text = ""
    place: Text = "Shenzhen"
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "CN"
    at: dt.datetime | None = None
    package_state: str = "2"
    copies: int = Field(default=1, ge=0, le=100)
    signature: Signature = Signature.GOOD


def add_scan(store: Store, waybill: str, scan: Scan) -> None:
    at = scan.at or clock.now()
    event = {
        "track_node_code": scan.code,
        "track_node_description": scan.code.replace("_", " ").capitalize(),
        "process_content": scan.content or scan.code,
        "process_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "process_utc_time": at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "process_country": scan.country,
        "process_province": "",
        "process_city": scan.place,
        "process_location": scan.place,
    }
    store.add_event(waybill, clock.precise(at), event)


def answer_of(order: Order, events: list[Json]) -> Json:
    """As the original's, without any code."""
    told = [
        {
            "time_zone": _zone(one),
            "description": one["process_content"],
            "event_date": one["process_time"].replace("T", " "),
            "location": one["process_location"],
        }
        for one in events
    ]
    return {"waybill_number": order.waybill_number, "track_info": [{"track_events": told}]}


def delivery_of(push: Push, order: Order, events: list[Json], scan: Scan) -> Delivery:
    """Everything that is known of the parcel, in the shape that the account has."""
    body = _body(push, order, events, scan)
    timestamp = str(int(time.time() * 1000))
    headers = {"Content-Type": "application/json", "X-Openapi-Request-Timestamp": timestamp}
    if scan.signature is not Signature.MISSING:
        key = push.key if scan.signature is Signature.GOOD else f"not-{push.key}"
        headers["X-Openapi-Signature"] = sign(timestamp, key, body)
    return Delivery(
        "yunexpress", "track", order.waybill_number, secrets.token_hex(8), push.url, headers, body
    )


def sign(timestamp: str, key: str, body: bytes) -> str:
    """SHA-256 over one after the other, in hex. Source: ns-tracking-go, read 2026-11-22."""
    return hashlib.sha256(timestamp.encode() + key.encode() + body).hexdigest()


def encrypted(key: str, plain: bytes) -> bytes:
    """AES-256-CBC under the key's SHA-256, its IV in front, in base64. Source: as `sign`."""
    padder, iv = PKCS7(8 * BLOCK).padder(), secrets.token_bytes(BLOCK)
    cipher = Cipher(algorithms.AES256(hashlib.sha256(key.encode()).digest()), modes.CBC(iv)).encryptor()
    sealed = cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
    return base64.b64encode(iv + sealed)


def _body(push: Push, order: Order, events: list[Json], scan: Scan) -> bytes:
    plain = {"data": _data(order, events), "data_code": "tisPushData"}
    match push.shape:
        case "wrapped":
            stamp = str(int(time.time() * 1000))
            return json_bytes({"customerCode": "CN0000123", "timestamp": stamp, "body": plain})
        case "encrypted":
            return json.dumps({"encrypt": encrypted(push.key, json_bytes(plain)).decode()}).encode()
        case "older":
            stamp = str(int(time.time() * 1000))
            older = _older(order, events, scan.package_state)
            return json_bytes({"customerCode": "CN0000123", "timestamp": stamp, "body": older})
    return json_bytes(plain)


def _data(order: Order, events: list[Json]) -> Json:
    return {
        "tracking_number": order.tracking_number or order.waybill_number,
        "waybill_number": order.waybill_number,
        "customer_order_number": order.customer_order_number,
        "package_status": "T",
        "product_code": order.product_code,
        "last_mile_name": "USPS",
        "pod_urls": [],
        "track_events": events,
    }


def _older(order: Order, events: list[Json], state: str) -> Json:
    return {
        "trackingNumber": order.tracking_number or order.waybill_number,
        "wayBillNumber": order.waybill_number,
        "packageState": state,
        "orderTrackingDetails": [
            {
                "processDate": one["process_time"],
                "processTimezone": f"UTC{_zone(one)}",
                "processContent": one["process_content"],
                "processLocation": one["process_location"],
                "trackingStatus": "20",
            }
            for one in events
        ],
    }


def _zone(event: Json) -> str:
    local, utc = (dt.datetime.fromisoformat(event[one]) for one in ("process_time", "process_utc_time"))
    minutes = round((local - utc).total_seconds() / 60)
    hours = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60}"
    return f"{hours}:{abs(minutes) % 60:02d}" if minutes % 60 else hours
