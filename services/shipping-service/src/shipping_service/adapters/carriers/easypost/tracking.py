"""EasyPost's trackers as scans: the fields we use, named as they name them, and what becomes of them.

Source: docs.easypost.com, "Trackers", "Events", read 2026-11-22. Times are in UTC.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shipping_service.adapters.carriers.easypost.tracking_codes import DETAILS, STATUSES
from shipping_service.adapters.carriers.easypost.webhook import is_genuine
from shipping_service.domain.tracking import UNKNOWN, Meaning, Scan, country_or_none, oldest_first
from shipping_service.use_cases.tracking_port import Delivery, NotAuthentic, NotTracked, Told

SIGNATURE: Final = "x-hmac-signature"

#: Statuses that say little: the detail, where we know it, says more. Any other status stands by itself: a
#: delivered parcel's detail is often `arrived_at_destination`.
_VAGUE: Final = frozenset({"in_transit", "failure", "unknown", "error"})


class _Heard(BaseModel):
    """More than we read, and names that an error must not repeat."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Location(_Heard):
    city: str | None = None
    country: str | None = None


class TrackingDetail(_Heard):
    status: str
    status_detail: str | None = None
    message: str | None = None
    description: str | None = None
    datetime: str | None = None
    tracking_location: Location | None = None


class Tracker(_Heard):
    id: str
    tracking_code: str
    status: str
    tracking_details: tuple[TrackingDetail, ...] = ()


class Trackers(_Heard):
    trackers: tuple[Tracker, ...] = ()


class _Named(_Heard):
    id: str | None = None
    description: str = ""


class _TrackerEvent(_Heard):
    result: Tracker


def to_told(tracker: Tracker) -> Told | NotTracked:
    """The scans of a tracker; a tracker in error has none and says so."""
    if tracker.status == "error" and not tracker.tracking_details:
        return NotTracked("error")
    return Told(oldest_first([_scan(tracker, one) for one in tracker.tracking_details]))


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    """See `tracking_port.Webhook`. A retry carries the same event id and may differ in the rest."""
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), None)
    # Each secret is tried, so that the time taken does not tell which one fits.
    if not any([is_genuine(secret, given, body) for secret in secrets]):  # noqa: C419
        raise NotAuthentic
    try:
        event_id = _Named.model_validate_json(body).id
    except ValidationError:
        event_id = None
    return Delivery(event_id or hashlib.sha256(body).hexdigest(), body)


def read(payload: bytes) -> Told:
    """See `tracking_port.Webhook`. Raises ValidationError for a tracker's event that is none."""
    if not _Named.model_validate_json(payload).description.startswith("tracker."):
        return Told()
    told = to_told(_TrackerEvent.model_validate_json(payload).result)
    return told if isinstance(told, Told) else Told()


def _scan(tracker: Tracker, detail: TrackingDetail) -> Scan:
    place = detail.tracking_location or Location()
    words = " ".join(one for one in (detail.message, detail.description) if one)
    return Scan(
        tracking_number=tracker.tracking_code,
        raw_code=detail.status if not detail.status_detail else f"{detail.status}/{detail.status_detail}",
        meaning=_meaning(detail.status, detail.status_detail),
        local_time=detail.datetime or "",
        utc_offset="+00:00" if detail.datetime else None,
        occurred_at=_time(detail.datetime),
        raw_text=words,
        city=place.city or None,
        country=country_or_none(place.country),
    )


def _meaning(status: str, detail: str | None) -> Meaning:
    of_status = STATUSES.get(status, UNKNOWN)
    return DETAILS.get(detail or "", of_status) if status in _VAGUE else of_status


def _time(text: str | None) -> datetime | None:
    """None when it is no time, or one without an offset."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if at.utcoffset() is None else at.astimezone(UTC)
