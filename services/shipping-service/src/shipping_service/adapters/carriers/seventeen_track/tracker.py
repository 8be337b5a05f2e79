"""Registering numbers at 17TRACK and asking about them: HTTP and nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
from pydantic import ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.seventeen_track import codes, tracking, wire
from shipping_service.adapters.carriers.seventeen_track.settings import SeventeenTrackSettings
from shipping_service.domain.tracking import plain_name
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

LONGEST_RETRY_AFTER_S: Final = 3600.0

_WRONG_ACCOUNT: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND})


class _Invalid(Exception):
    """They refuse the list as a whole for what is in it. Argument: their code."""


class SeventeenTrackTracker:
    """One 17TRACK account. A number is registered once, which costs a credit, and asked about freely.

    `tracker_ref` is 17TRACK's number of the carrier, which with the tracking number names a parcel there.

    Source: 17TRACK's API documentation v2.2, "Register" and "GetTrackInfo", read 2026-11-22.
    """

    def __init__(self, settings: SeventeenTrackSettings) -> None:
        given = {plain_name(name): key for name, key in settings.carrier_keys.items()}
        self._carrier_keys = {**codes.CARRIER_KEYS, **given}
        self._api = open_http_client(
            "seventeen_track",
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "17token": settings.api_key.get_secret_value(),
            },
        )

    async def close(self) -> None:
        await self._api.aclose()

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        """One call for all."""
        answers = await self._call("/gettrackinfo", [_named(one) for one in refs])
        return {number: _told(answer) for number, answer in answers.items()}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        """One call for all. A number costs a credit once: what is registered is not registered again."""
        answers = await self._call("/register", [self._registration(one) for one in refs])
        return {number: _subscribed(answer) for number, answer in answers.items()}

    def _registration(self, ref: TrackingRef) -> dict[str, object]:
        key = self._carrier_keys.get(plain_name(ref.carried_by or ""))
        number: dict[str, object] = {"number": ref.tracking_number}
        return number | ({"auto_detection": True} if key is None else {"carrier": key})

    async def _call(
        self, path: str, numbers: Sequence[dict[str, object]]
    ) -> dict[str, dict[str, Any] | NotTracked]:
        """What is said of each number. A list that is refused as a whole is sent in halves, so that one
        number that nobody can read does not keep the others: a dozen calls for one among forty.
        """
        try:
            data = await self._post(path, numbers)
        except _Invalid as refused:
            if len(numbers) == 1:
                return {str(numbers[0]["number"]): NotTracked(str(refused))}
            middle = len(numbers) // 2
            return {
                **await self._call(path, numbers[:middle]),
                **await self._call(path, numbers[middle:]),
            }
        rejected = {one.number: NotTracked(str(one.error.code)) for one in data.rejected}
        return {**rejected, **{str(one.get("number")): one for one in data.accepted}}

    async def _post(self, path: str, numbers: Sequence[dict[str, object]]) -> wire.Data:
        try:
            response = await self._api.post(path, content=json.dumps(numbers).encode())
        except httpx.TransportError as error:
            raise CarrierUnavailable("seventeen_track was not reached") from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("seventeen_track asked us to slow down", _retry_after_s(response))
        if status in _WRONG_ACCOUNT:
            raise _misconfigured(f"HTTP {status}")
        try:
            answer = wire.Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise CarrierUnavailable(
                f"seventeen_track answered HTTP {status}, and not in its form"
            ) from error
        if answer.code in codes.ACCOUNT:
            raise _misconfigured(f"code {answer.code}")
        if answer.code in codes.INVALID:
            raise _Invalid(answer.code)
        if answer.code != 0 or not response.is_success:
            raise CarrierUnavailable(f"seventeen_track answered HTTP {status}, code {answer.code}")
        return answer.data


def _named(ref: TrackingRef) -> dict[str, object]:
    number: dict[str, object] = {"number": ref.tracking_number}
    known = ref.tracker_ref is not None and ref.tracker_ref.isdecimal()
    return number | ({"carrier": int(ref.tracker_ref or 0)} if known else {})


def _told(answer: dict[str, Any] | NotTracked) -> Told | NotTracked:
    if isinstance(answer, NotTracked):
        return Told() if answer.code == str(codes.NO_NEWS_YET) else answer
    try:
        return tracking.to_told(wire.Tracked.model_validate(answer))
    except ValidationError:
        return NotTracked("unreadable")


def _subscribed(answer: dict[str, Any] | NotTracked) -> str | NotTracked:
    if isinstance(answer, NotTracked):
        return "" if answer.code == str(codes.REGISTERED_BEFORE) else answer
    try:
        carrier = wire.Registered.model_validate(answer).carrier
    except ValidationError:
        return ""
    return str(carrier or "")


def _misconfigured(said: str) -> CarrierMisconfigured:
    return CarrierMisconfigured(
        f"seventeen_track answered {said}: look at CARRIER_SEVENTEEN_TRACK_API_KEY and ..._BASE_URL, and at "
        "the addresses that the account may be used from"
    )


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds as they ask for; None when they name none, or a date."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER_S) if given.isdecimal() else None
