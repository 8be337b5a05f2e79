"""UPS's activities as scans, and how an alert of theirs is proven and read: pure.

Source: UPS-API/api-documentation, Tracking.yaml and UPSTrackAlert.yaml, read 2026-11-22.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from shipping_service.adapters.carriers.ups.tracking_codes import meaning_of
from shipping_service.domain.tracking import Scan, country_or_none, oldest_first
from shipping_service.use_cases.tracking_port import Delivery, GoesOn, NotAuthentic, NotTracked, Told

API_KEY: Final = "x-api-key"
#: Of a package's other numbers, those that it goes on under, by their type: who carries it then. The barcode
#: of a package that UPS hands to the United States Postal Service is its number there.
ONWARD: Final[Mapping[str, str]] = MappingProxyType({"USPS_PIC": "usps"})


class _Heard(BaseModel):
    """More than we read, and names that an error must not repeat. Who received a parcel is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Address(_Heard):
    city: str | None = None
    countryCode: str | None = None
    country: str | None = None


class Location(_Heard):
    address: Address | None = None


class Status(_Heard):
    type: str = ""
    code: str = ""
    description: str = ""


class Activity(_Heard):
    """`date` and `time` are local; `gmtDate` and `gmtTime` are there where UPS knows the offset."""

    date: str = ""
    time: str = ""
    gmtDate: str | None = None
    gmtTime: str | None = None
    gmtOffset: str | None = None
    location: Location | None = None
    status: Status = Status()


class Alternate(_Heard):
    number: str = ""
    type: str = ""


class Package(_Heard):
    trackingNumber: str = ""
    activity: tuple[Activity, ...] = ()
    alternateTrackingNumber: tuple[Alternate, ...] | None = None


class Warned(_Heard):
    code: str = Field(default="", max_length=64)


class Shipment(_Heard):
    package: tuple[Package, ...] = ()
    warnings: tuple[Warned, ...] = ()


class Shipments(_Heard):
    shipment: tuple[Shipment, ...] = ()


class TrackAnswer(_Heard):
    trackResponse: Shipments


class Alert(_Heard):
    trackingNumber: str = Field(min_length=1, max_length=64)


def to_told(answer: TrackAnswer, number: str) -> Told | NotTracked:
    """The scans of the number that was asked about. A success may say that nothing is known."""
    shipments = answer.trackResponse.shipment
    packages = [one for shipment in shipments for one in shipment.package]
    warnings = [one.code for shipment in shipments for one in shipment.warnings]
    if not packages:
        return NotTracked(warnings[0] if warnings else "not_found")
    return Told(
        tuple(
            scan
            for package in packages
            for scan in oldest_first([_scan(one, number, package.trackingNumber) for one in package.activity])
        ),
        goes_on=tuple(
            GoesOn(number, one.number.strip(), carried_by)
            for package in packages
            for one in package.alternateTrackingNumber or ()
            if (carried_by := ONWARD.get(one.type)) is not None
        ),
    )


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    """See `tracking_port.Webhook`. Nothing signs the body; a repeat has the same one."""
    given = next((value for name, value in headers.items() if name.lower() == API_KEY), "").encode()
    # Each secret is tried, so that the time taken does not tell which one fits.
    if not any([hmac.compare_digest(one.encode(), given) for one in secrets]):  # noqa: C419
        raise NotAuthentic
    return Delivery(hashlib.sha256(body).hexdigest(), body)


def read(payload: bytes) -> Told:
    """See `tracking_port.Webhook`. An alert says which parcel to ask about, and no more is believed."""
    return Told(numbers=(Alert.model_validate_json(payload).trackingNumber,))


def _scan(activity: Activity, number: str, piece: str) -> Scan:
    status = activity.status
    place = (activity.location and activity.location.address) or Address()
    return Scan(
        tracking_number=number,
        raw_code=f"{status.type}:{status.code}",
        meaning=meaning_of(status.type, status.code, status.description),
        local_time=_local(activity),
        utc_offset=activity.gmtOffset or None,
        occurred_at=_moment(activity),
        raw_text=status.description,
        city=place.city or None,
        country=country_or_none(place.countryCode or place.country),
        piece=piece if piece not in ("", number) else None,
    )


def _local(activity: Activity) -> str:
    """As said, in ISO 8601 where it is a time at all."""
    said = f"{activity.date}T{activity.time}"
    at = _time(activity.date, activity.time)
    return said if at is None else at.isoformat()


def _moment(activity: Activity) -> datetime | None:
    """None where UPS gives no time in UTC: the local one alone could be any."""
    at = _time(activity.gmtDate or "", activity.gmtTime or "")
    return None if at is None else at.replace(tzinfo=UTC)


def _time(date: str, time: str) -> datetime | None:
    """`20260612` with `043000` or `04:30:00`, without an offset."""
    digits = time.replace(":", "")
    if not (date.isdecimal() and digits.isdecimal()):
        return None
    try:
        return datetime.fromisoformat(f"{date}T{digits}")
    except ValueError:
        return None
