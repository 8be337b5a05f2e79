"""Yanwen's checkpoints as scans: the fields we use, named as they name them, and what becomes of them.

Source: Yanwen's tracking page (opendocs.yw56.com.cn) and zengweigg/yw56, `service.track.go`, read 2026-11-22.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from pydantic import BaseModel, ConfigDict

from shipping_service.adapters.carriers.yanwen.tracking_codes import CHECKPOINTS
from shipping_service.domain.tracking import UNKNOWN, Scan, Stretch, oldest_first
from shipping_service.use_cases.tracking_port import Told

#: What follows the time of day, if anything does, is not read: it looks like UTC and is local.
_LOCAL: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)")
_ZONE: Final = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?")


class _Heard(BaseModel):
    """More than we read, which an error must not repeat."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )


class Checkpoint(_Heard):
    """`is_last_mile_checkpoint`: 1 where the last mile's carrier says it."""

    time_stamp: str | None = None
    time_zone: str | None = None
    tracking_status: str | None = None
    message: str | None = None
    location: str | None = None
    is_last_mile_checkpoint: bool | None = None


class Parcel(_Heard):
    """`tracking_number`: as it was asked for."""

    tracking_number: str
    checkpoints: tuple[Checkpoint, ...] | None = None


class Answer(_Heard):
    """`code`: 0, here a number."""

    code: str
    result: tuple[Parcel, ...] | None = None


def to_told(answer: Answer) -> Mapping[str, Told]:
    """By the number that was asked for."""
    return {one.tracking_number: Told(_scans(one)) for one in answer.result or ()}


def _scans(parcel: Parcel) -> tuple[Scan, ...]:
    """Told the newest first. Their moments decide: local times of several zones do not compare."""
    scans = [_scan(parcel.tracking_number, one) for one in reversed(parcel.checkpoints or ())]
    if any(one.occurred_at is None for one in scans):
        return oldest_first(scans)
    return tuple(sorted(scans, key=attrgetter("occurred_at")))


def _scan(number: str, point: Checkpoint) -> Scan:
    local, (at, offset) = _local(point.time_stamp), _moment(point.time_stamp, point.time_zone)
    code = point.tracking_status or ""
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=CHECKPOINTS.get(code, UNKNOWN),
        local_time=local,
        utc_offset=offset,
        occurred_at=at,
        raw_text=point.message or "",
        city=point.location or None,
        stretch=Stretch.LAST_MILE if point.is_last_mile_checkpoint else None,
    )


def _local(text: str | None) -> str:
    found = _LOCAL.match(text or "")
    return f"{found[1]}T{found[2]}" if found else text or ""


def _moment(text: str | None, zone: str | None) -> tuple[datetime | None, str | None]:
    """In UTC, with the zone as `+08:00`; without a zone it is no moment."""
    found = _ZONE.fullmatch((zone or "").strip())
    if found is None:
        return None, None
    offset = f"{found[1]}{found[2]:0>2}:{found[3] or '00'}"
    try:
        return datetime.fromisoformat(_local(text) + offset).astimezone(UTC), offset
    except (ValueError, OverflowError):
        return None, None
