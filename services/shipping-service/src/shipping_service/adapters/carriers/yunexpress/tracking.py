"""YunExpress's events as scans, in the three forms they come in: asked for, and pushed in two.

Source: evan-lc/yunexpress-sdk for the answer, ns-tracking-go for what is pushed, read 2026-11-22. No name
and no telephone number is read.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shipping_service.adapters.carriers.yunexpress.tracking_codes import NODES, PACKAGE_STATES
from shipping_service.domain.tracking import INFO, UNKNOWN, Meaning, Scan, country_or_none, oldest_first
from shipping_service.use_cases.tracking_port import GoesOn, Told

#: What `data_code` calls news of a parcel.
TRACKING: Final = "tisPushData"

_ZONE: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?")
_FURTHEST: Final = timedelta(hours=14)


class _Heard(BaseModel):
    """More than we read, and names that an error must not repeat."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )


class Asked(_Heard):
    """An event of the answer to a question: its public description has no code in it."""

    time_zone: str | None = None
    description: str | None = None
    event_date: str | None = None
    location: str | None = None
    track_node_code: str | None = None


class AskedPart(_Heard):
    track_events: tuple[Asked, ...] | None = None


class Answer(_Heard):
    waybill_number: str
    track_info: tuple[AskedPart, ...] | None = None


class Pushed(_Heard):
    """An event of `tisPushData`; `process_time` is local."""

    track_node_code: str | None = None
    track_node_description: str | None = None
    process_content: str | None = None
    process_time: str | None = None
    process_utc_time: str | None = None
    process_country: str | None = None
    process_city: str | None = None
    process_location: str | None = None


class PushedParcel(_Heard):
    """`tracking_number`: the last mile's of the moment, which `CHANGE_WAYBILL_INFO` says has changed."""

    waybill_number: str = Field(min_length=1)
    tracking_number: str | None = None
    last_mile_name: str | None = None
    track_events: tuple[Pushed, ...] = ()


class Detail(_Heard):
    """An event of the older form."""

    trackNodeCode: str | None = None
    processDate: str | None = None
    processTimezone: str | None = None
    processContent: str | None = None
    processCountry: str | None = None
    processCity: str | None = None
    processLocation: str | None = None


class OlderParcel(_Heard):
    wayBillNumber: str = Field(min_length=1)
    trackingNumber: str | None = None
    packageState: str | None = None
    orderTrackingDetails: tuple[Detail, ...] = ()


class Envelope(_Heard):
    """`data` by itself, or with a `body` around it; or a `body` that is the parcel."""

    data_code: str | None = None
    data: dict[str, Any] | None = None
    body: dict[str, Any] | None = None


def to_told(answer: Answer, number: str) -> Told:
    """Of the parcel that was asked about by `number`."""
    events = [event for part in answer.track_info or () for event in part.track_events or ()]
    return Told(oldest_first([_asked(number, one) for one in events]))


def read(payload: bytes) -> Told:
    """See `tracking_port.Webhook`. Raises ValueError for what is none of the forms."""
    envelope = Envelope.model_validate_json(payload)
    if envelope.body is not None and "data" in envelope.body:
        envelope = Envelope.model_validate(envelope.body)
    if envelope.data_code not in (None, TRACKING):
        return Told()
    if envelope.data is not None:
        return _told(PushedParcel.model_validate(envelope.data))
    if envelope.body is None:
        raise ValueError("neither data nor a body")
    if "track_events" in envelope.body:
        return _told(PushedParcel.model_validate(envelope.body))
    return _older(OlderParcel.model_validate(envelope.body))


def _told(parcel: PushedParcel) -> Told:
    scans = oldest_first([_pushed(parcel.waybill_number, one) for one in parcel.track_events])
    return Told(scans, goes_on=_onward(parcel.waybill_number, parcel.tracking_number, parcel.last_mile_name))


def _onward(waybill: str, number: str | None, carried_by: str | None = None) -> tuple[GoesOn, ...]:
    """The number under which the last mile's carrier knows the parcel, where it is another one."""
    number = (number or "").strip()
    return () if number in ("", waybill) else (GoesOn(waybill, number, (carried_by or "").strip() or None),)


def meaning_of(code: str) -> Meaning:
    """An event without any code tells when and in words, not what: no status is made of it."""
    return NODES.get(code, UNKNOWN) if code else INFO


def _asked(number: str, event: Asked) -> Scan:
    at, offset = _zoned(event.event_date, event.time_zone)
    code = event.track_node_code or ""
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=meaning_of(code),
        local_time=_iso(event.event_date),
        utc_offset=offset,
        occurred_at=at,
        raw_text=event.description or "",
        city=event.location or None,
    )


def _pushed(number: str, event: Pushed) -> Scan:
    at, offset = _moment(event.process_time, event.process_utc_time)
    code = event.track_node_code or ""
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=meaning_of(code),
        local_time=_iso(event.process_time or event.process_utc_time),
        utc_offset=offset,
        occurred_at=at,
        raw_text=event.process_content or event.track_node_description or "",
        city=event.process_city or event.process_location or None,
        country=country_or_none(event.process_country),
    )


def _older(parcel: OlderParcel) -> Told:
    """The parcel's state stands for the newest event, where that has no code that we know."""
    details = parcel.orderTrackingDetails
    scans = list(oldest_first([_detail(parcel.wayBillNumber, one) for one in details]))
    state = parcel.packageState
    if scans and state and scans[-1].raw_code not in NODES:
        scans[-1] = replace(
            scans[-1],
            raw_code=f"{scans[-1].raw_code}/PackageState:{state}".removeprefix("/"),
            meaning=PACKAGE_STATES.get(state, UNKNOWN),
        )
    return Told(tuple(scans), goes_on=_onward(parcel.wayBillNumber, parcel.trackingNumber))


def _detail(number: str, event: Detail) -> Scan:
    at, offset = _zoned(event.processDate, event.processTimezone)
    code = event.trackNodeCode or ""
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=meaning_of(code),
        local_time=_iso(event.processDate),
        utc_offset=offset,
        occurred_at=at,
        raw_text=event.processContent or "",
        city=event.processCity or event.processLocation or None,
        country=country_or_none(event.processCountry),
    )


def _iso(text: str | None) -> str:
    """The same in every form: `2026-06-10T12:00:00`."""
    return (text or "").strip().replace(" ", "T", 1)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None


def _zoned(text: str | None, zone: str | None) -> tuple[datetime | None, str | None]:
    """A local time with its zone, `+8`, `-5:30` or `UTC+08:00`; without a zone it is no moment."""
    local = _time(text)
    if local is not None and local.tzinfo is not None:
        return local.astimezone(UTC), _offset(local.utcoffset() or timedelta())
    found = _ZONE.fullmatch((zone or "").strip())
    if local is None or found is None:
        return None, None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0)) * (-1 if found[1] == "-" else 1)
    if abs(offset) > _FURTHEST:
        return None, None
    return local.replace(tzinfo=timezone(offset)).astimezone(UTC), _offset(offset)


def _moment(local: str | None, utc: str | None) -> tuple[datetime | None, str | None]:
    """The time as UTC, and the zone as what lies between the two."""
    at, here = _time(utc), _time(local)
    if at is None:
        return _zoned(local, None)
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    if here is None or here.tzinfo is not None:
        return at, None
    offset = here.replace(tzinfo=UTC) - at
    return at, _offset(offset) if abs(offset) <= _FURTHEST else None


def _offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
