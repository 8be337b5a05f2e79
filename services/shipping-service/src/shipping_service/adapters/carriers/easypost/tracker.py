"""Asking EasyPost where parcels are: HTTP and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.easypost import tracking
from shipping_service.adapters.carriers.easypost.client import retry_after_s
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

_WRONG_ACCOUNT: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})

T = TypeVar("T", bound=BaseModel)


class EasyPostTracker:
    """One EasyPost account. A shipment's tracker is there from its purchase on, and pushes by itself.

    Source: docs.easypost.com, "Trackers", read 2026-11-22.
    """

    def __init__(self, settings: EasyPostSettings) -> None:
        self._api = open_http_client(
            "easypost_trackers",
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json"},
            auth=(settings.api_key.get_secret_value(), ""),
        )

    async def close(self) -> None:
        await self._api.aclose()

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        """One call a parcel: by the tracker's id, else by the tracking code."""
        return {one.tracking_number: await self._track(one) for one in refs}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        """Nothing to ask for: the account's webhook tells of every tracker."""
        return {one.tracking_number: one.tracker_ref or "" for one in refs}

    async def _track(self, ref: TrackingRef) -> Told | NotTracked:
        if ref.tracker_ref is not None:
            found = await self._get(f"/v2/trackers/{quote(ref.tracker_ref, safe='')}", tracking.Tracker)
            return found if isinstance(found, NotTracked) else tracking.to_told(found)
        path = f"/v2/trackers?tracking_code={quote(ref.tracking_number, safe='')}"
        listed = await self._get(path, tracking.Trackers)
        if isinstance(listed, NotTracked):
            return listed
        same = [one for one in listed.trackers if one.tracking_code == ref.tracking_number]
        return tracking.to_told(same[0]) if same else NotTracked("not_found")

    async def _get(self, path: str, model: type[T]) -> T | NotTracked:
        try:
            response = await self._api.get(path)
        except httpx.TransportError as error:
            raise CarrierUnavailable("easypost was not reached") from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("easypost asked us to slow down", retry_after_s(response))
        if status in _WRONG_ACCOUNT:
            raise CarrierMisconfigured(f"easypost answered HTTP {status}: look at CARRIER_EASYPOST_API_KEY")
        if response.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
            return NotTracked("not_found" if status == httpx.codes.NOT_FOUND else f"http_{status}")
        if not response.is_success:
            raise CarrierUnavailable(f"easypost answered HTTP {status}")
        try:
            return model.model_validate_json(response.content)
        except ValidationError:
            return NotTracked("unreadable")
