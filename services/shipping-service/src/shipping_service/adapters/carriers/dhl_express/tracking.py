"""DHL Express's shipments as scans: the fields we use, named as they name them, and what becomes of them.

Source: the OpenAPI document of MyDHL API 3.1.1 (see codes.py), GET /tracking, read 2026-11-22.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipping_service.adapters.carriers.dhl_express.tracking_codes import TYPE_CODES
from shipping_service.domain.tracking import UNKNOWN, Scan, country_or_none, oldest_first
from shipping_service.use_cases.tracking_port import Told


class _Heard(BaseModel):
    """More than we read, and names that an error must not repeat."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class ServiceArea(_Heard):
    description: str = ""


class Event(_Heard):
    """`signedBy` is not read: who signed is nobody's business here."""

    date: str
    time: str
    typeCode: str
    GMTOffset: str | None = None
    description: str = ""
    serviceArea: tuple[ServiceArea, ...] = ()


class Piece(_Heard):
    trackNumber: str = ""
    events: tuple[Event, ...] = ()


class Shipment(_Heard):
    shipmentTrackingNumber: str
    events: tuple[Event, ...] = ()
    pieces: tuple[Piece, ...] = ()


class Shipments(_Heard):
    shipments: tuple[Shipment, ...]


def to_told(answer: Shipments) -> Mapping[str, Told]:
    """Scans by waybill. Of one piece the shipment's events are the whole story; of several each has more."""
    return {one.shipmentTrackingNumber: Told(_scans(one)) for one in answer.shipments}


def _scans(shipment: Shipment) -> tuple[Scan, ...]:
    number = shipment.shipmentTrackingNumber
    lists = [[_scan(number, one) for one in shipment.events]]
    if len(shipment.pieces) > 1:
        lists += [
            [_scan(number, one, piece.trackNumber or None) for one in piece.events]
            for piece in shipment.pieces
        ]
    return tuple(scan for one in lists for scan in oldest_first(one))


def _scan(number: str, event: Event, piece: str | None = None) -> Scan:
    city, country = _place(event)
    return Scan(
        tracking_number=number,
        raw_code=event.typeCode,
        meaning=TYPE_CODES.get(event.typeCode, UNKNOWN),
        local_time=f"{event.date}T{event.time}",
        utc_offset=event.GMTOffset or None,
        occurred_at=_time(event),
        raw_text=event.description,
        city=city,
        country=country,
        piece=piece,
    )


def _place(event: Event) -> tuple[str | None, str | None]:
    """`Shenzhen-CN` is Shenzhen in CN; any other text is a place without a country."""
    text = event.serviceArea[0].description.strip() if event.serviceArea else ""
    city, _, suffix = text.rpartition("-")
    country = country_or_none(suffix.strip())
    return (city.strip() or None, country) if country else (text or None, None)


def _time(event: Event) -> datetime | None:
    """None without an offset: the time of day alone is local and could be any."""
    if not event.GMTOffset:
        return None
    try:
        at = datetime.fromisoformat(f"{event.date}T{event.time}{event.GMTOffset}")
    except ValueError:
        return None
    return None if at.utcoffset() is None else at.astimezone(UTC)
