"""Asking UPS where parcels are, and for its alerts: HTTP and nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from shipping_service.adapters.carriers.ups import tracking
from shipping_service.adapters.carriers.ups.api import NoAnswer, Refused, UpsApi
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.use_cases.ports import CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

DETAILS: Final = "/api/track/v1/details/"
SUBSCRIBE: Final = "/api/track/v2/subscription/standard/package"
#: The words of scans are read in this language.
LOCALE: Final = "en_US"


class _Subscribed(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    validTrackingNumbers: tuple[str, ...] = ()


class UpsTracker:
    """One UPS account. UPS tells of one number in a call, and where its portal knows our address, of what was
    subscribed to.

    Source: UPS-API/api-documentation, Tracking.yaml and UPSTrackAlert.yaml, read 2026-11-22.
    """

    def __init__(self, settings: UpsSettings) -> None:
        self._alerts = settings.track_alert
        self._api = UpsApi("ups_tracking", settings)

    async def close(self) -> None:
        await self._api.close()

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        """One call a parcel."""
        return {one.tracking_number: await self._track(one.tracking_number) for one in refs}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        """News for fourteen days, after which asking goes on alone. Nothing where alerts are off. What goes
        wrong here must not keep anybody from asking: it is tried again later.
        """
        numbers = [one.tracking_number for one in refs]
        if not self._alerts:
            return dict.fromkeys(numbers, "")
        said = json.dumps({"locale": LOCALE, "trackingNumberList": numbers}).encode()
        try:
            answer = _Subscribed.model_validate_json(await self._api.call("POST", SUBSCRIBE, said))
        except Refused as refused:
            return dict.fromkeys(numbers, NotTracked(refused.errors[0].code))
        except (NoAnswer, ValidationError):
            return dict.fromkeys(numbers, NotTracked("no_answer"))
        taken = set(answer.validTrackingNumbers)
        return {one: "" if one in taken else NotTracked("not_subscribed") for one in numbers}

    async def _track(self, number: str) -> Told | NotTracked:
        path = f"{DETAILS}{quote(number, safe='')}"
        try:
            content = await self._api.call("GET", path, query={"locale": LOCALE})
            return tracking.to_told(tracking.TrackAnswer.model_validate_json(content), number)
        except Refused as refused:
            return NotTracked(refused.errors[0].code)
        except NoAnswer as error:
            raise CarrierUnavailable("ups gave no answer to a question") from error
        except ValidationError:
            return NotTracked("unreadable")
