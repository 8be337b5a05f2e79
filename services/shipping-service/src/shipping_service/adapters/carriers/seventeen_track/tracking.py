"""17TRACK's track info as scans, and how a push is proven and read: pure.

Source: 17TRACK's API documentation v2.2 (asset.17track.net/api/document/v2.2_en), "Tracking info" and
"Webhook", read 2026-11-22.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from shipping_service.adapters.carriers.seventeen_track import wire
from shipping_service.adapters.carriers.seventeen_track.tracking_codes import meaning_of
from shipping_service.domain.tracking import Scan, Stretch, country_or_none, oldest_first
from shipping_service.use_cases.tracking_port import Delivery, NotAuthentic, NotTracked, Told

SIGNATURE: Final = "sign"

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def to_told(tracked: wire.Tracked) -> Told | NotTracked:
    """The scans of all carriers on the way, or why there will be none."""
    info = tracked.track_info or wire.TrackInfo()
    latest = info.latest_status or wire.LatestStatus()
    scans = _merged(tracked.number, info)
    if not scans and latest.sub_status == "NotFound_InvalidCode":
        return NotTracked(latest.sub_status)
    return Told(scans)


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    """See `tracking_port.Webhook`. A push has no id: its bytes are what repeats of it share."""
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "").encode()
    # Each key is tried, so that the time taken does not tell which one fits.
    if not any([hmac.compare_digest(_sign(one, body), given) for one in secrets]):  # noqa: C419
        raise NotAuthentic
    return Delivery(hashlib.sha256(body).hexdigest(), body)


def read(payload: bytes) -> Told:
    """See `tracking_port.Webhook`. Whose tracking was stopped is asked about once more."""
    push = wire.Push.model_validate_json(payload)
    match push.event:
        case "TRACKING_UPDATED":
            told = to_told(wire.Tracked.model_validate(push.data))
            return told if isinstance(told, Told) else Told()
        case "TRACKING_STOPPED":
            return Told(numbers=(wire.Tracked.model_validate(push.data).number,))
        case _:
            return Told()


def _sign(key: str, body: bytes) -> bytes:
    """Lower-case hex SHA-256 of body, slash, key: a plain hash, no HMAC."""
    return hashlib.sha256(body + b"/" + key.encode()).hexdigest().encode()


def _merged(number: str, info: wire.TrackInfo) -> tuple[Scan, ...]:
    """The carriers' lists as one, the oldest first; what two of them say alike at one time is there once.

    Within a list a scan without a time stays behind the one before it; a list without any comes last.
    """
    providers = (info.tracking or wire.Providers()).providers
    local = (info.misc_info or wire.MiscInfo()).local_key
    placed: list[tuple[datetime, Scan]] = []
    seen: set[tuple[str, str]] = set()
    for provider in providers:
        last_mile = len(providers) > 1 and bool(local) and provider.provider.key == local
        scans = oldest_first([_scan(number, one, last_mile=last_mile) for one in provider.events])
        at = next((one.occurred_at for one in scans if one.occurred_at), _NEVER)
        for scan in scans:
            at = scan.occurred_at or at
            same = (str(scan.occurred_at or scan.local_time), " ".join(scan.raw_text.split()).casefold())
            if same not in seen:
                seen.add(same)
                placed.append((at, scan))
    return tuple(scan for _, scan in sorted(placed, key=lambda one: one[0]))


def _scan(number: str, event: wire.Event, *, last_mile: bool) -> Scan:
    code = event.sub_status or event.stage or ""
    place = event.address or wire.Address()
    local_time = event.time_iso or event.time_utc or _raw(event.time_raw)
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=meaning_of(code),
        local_time=local_time,
        utc_offset=_offset(local_time),
        occurred_at=_time(event.time_utc) or _time(event.time_iso),
        raw_text=event.description or "",
        city=place.city or event.location or None,
        country=country_or_none(place.country),
        stretch=Stretch.LAST_MILE if last_mile else None,
    )


def _raw(said: wire.RawTime | None) -> str:
    parts = (said.date, said.time) if said else ()
    return "T".join(one for one in parts if one)


def _offset(text: str) -> str | None:
    """`+02:00`, as the time's own end says."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.isoformat()[-6:] if at.utcoffset() is not None else None


def _time(text: str | None) -> datetime | None:
    """None when it is no time, or one without an offset."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if at.utcoffset() is None else at.astimezone(UTC)
