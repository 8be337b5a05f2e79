"""Asking MyDHL API where parcels are: HTTP and nothing else."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from uuid import uuid4

import httpx
from pydantic import ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.dhl_express import tracking
from shipping_service.adapters.carriers.dhl_express.client import API_VERSION, retry_after_s
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

#: DHL takes 200 in one call. Fewer, because an answer may be refused for one of them: see `track`.
BATCH_SIZE: Final = 50

_WRONG_ACCOUNT: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


class _Refused(Exception):
    """They said no to the numbers of one call."""


class DhlExpressTracker:
    """One DHL Express account. MyDHL API pushes nothing, so parcels are asked for.

    Source: the OpenAPI document of MyDHL API 3.1.1 (see codes.py), GET /tracking, read 2026-11-22.
    """

    def __init__(self, settings: DhlExpressSettings) -> None:
        self._api = open_http_client(
            "dhl_express_tracking",
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json", "x-version": API_VERSION},
            auth=(settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()),
        )

    async def close(self) -> None:
        await self._api.aclose()

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        """One call for all. What it says to a list with an unknown number in it is not documented, so a list
        that is refused is asked for in halves: at most twice as many calls as there are parcels.
        """
        numbers = [one.tracking_number for one in refs]
        try:
            return await self._get(numbers)
        except _Refused as refused:
            if len(refs) == 1:
                return {numbers[0]: NotTracked(str(refused))}
        middle = len(refs) // 2
        return {**await self.track(refs[:middle]), **await self.track(refs[middle:])}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        """Nothing is pushed, and nobody asks."""
        return {one.tracking_number: NotTracked("not_pushed") for one in refs}

    async def _get(self, numbers: Sequence[str]) -> Mapping[str, Told]:
        query = {
            "shipmentTrackingNumber": ",".join(numbers),
            "trackingView": "all-checkpoints",
            "levelOfDetail": "all",
            "requestGMTOffsetPerEvent": "true",
        }
        headers = {
            "Message-Reference": str(uuid4()),
            "Message-Reference-Date": format_datetime(datetime.now(UTC), usegmt=True),
        }
        try:
            response = await self._api.get("/tracking", params=query, headers=headers)
        except httpx.TransportError as error:
            raise CarrierUnavailable("dhl_express was not reached") from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("dhl_express asked us to slow down", retry_after_s(response))
        if status in _WRONG_ACCOUNT:
            raise CarrierMisconfigured(
                f"dhl_express answered HTTP {status}: look at CARRIER_DHL_EXPRESS_API_KEY and ..._API_SECRET"
            )
        if response.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
            raise _Refused("not_found" if status == httpx.codes.NOT_FOUND else f"http_{status}")
        if not response.is_success:
            raise CarrierUnavailable(f"dhl_express answered HTTP {status}")
        try:
            return tracking.to_told(tracking.Shipments.model_validate_json(response.content))
        except ValidationError as error:
            raise _Refused("unreadable") from error
