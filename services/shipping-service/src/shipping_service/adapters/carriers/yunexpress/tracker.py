"""Asking YunExpress where parcels are: HTTP and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Final

from shipping_service.adapters.carriers.yunexpress import tracking
from shipping_service.adapters.carriers.yunexpress.api import NoAnswer, YunExpressApi, read_result
from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.use_cases.ports import CarrierRejected, CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

TRACK: Final = "/v1/track-service/info/get"


class YunExpressTracker:
    """One account. One call a parcel, by its waybill number, which no change of the last mile's touches."""

    def __init__(self, settings: YunExpressSettings) -> None:
        self._api = YunExpressApi(settings, "yunexpress_tracking")

    async def close(self) -> None:
        await self._api.close()

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        return {one.tracking_number: await self._track(one.tracking_number) for one in refs}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        """Nothing to ask for: the account's push tells of every parcel."""
        return {one.tracking_number: "" for one in refs}

    async def _track(self, number: str) -> Told | NotTracked:
        try:
            result = await self._api.get(TRACK, order_number=number)
        except NoAnswer as error:
            raise CarrierUnavailable("yunexpress gave no answer to a question") from error
        except CarrierRejected as refused:
            return NotTracked(refused.code)
        if not result:
            return NotTracked("not_found")
        try:
            return tracking.to_told(read_result(result, tracking.Answer), number)
        except NoAnswer:
            return NotTracked("unreadable")
