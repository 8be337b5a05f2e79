"""Asking Yanwen where parcels are: HTTP and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx
from pydantic import ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.yanwen import tracking, wire
from shipping_service.adapters.carriers.yanwen.api import WRONG_ACCOUNT, retry_after_s
from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

#: As many as Yanwen takes in one call.
BATCH_SIZE: Final = 30


class _Refused(Exception):
    """They said no to the numbers of one call."""


class YanwenTracker:
    """One account of the tracking service, which is apart from the order API and known by another credential.

    Source: see tracking.py.
    """

    def __init__(self, settings: YanwenSettings) -> None:
        self._http = open_http_client(
            "yanwen_tracking",
            settings.tracking_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={
                "Accept": "application/json",
                "Authorization": settings.merchant_number.get_secret_value(),
            },
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        """One call for all. What is answered to a list with a wrong number in it is not documented, so a list
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
        try:
            response = await self._http.get("/api/tracking", params={"nums": ",".join(numbers)})
        except httpx.TransportError as error:
            raise CarrierUnavailable("yanwen's tracking was not reached") from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("yanwen's tracking asked us to slow down", retry_after_s(response))
        if status in WRONG_ACCOUNT:
            raise CarrierMisconfigured(
                f"yanwen's tracking answered HTTP {status}: look at CARRIER_YANWEN_MERCHANT_NUMBER and "
                "..._TRACKING_URL"
            )
        if not response.is_success:
            raise CarrierUnavailable(f"yanwen's tracking answered HTTP {status}")
        try:
            answer = tracking.Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise _Refused("unreadable") from error
        if answer.code != wire.OK:
            raise _Refused(answer.code)
        return tracking.to_told(answer)
