"""A made-up carrier, all of it in one file. The tests copy it into a folder beside the real ones: this is all
that the service gets to know of it.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings
from crossdock_chassis.outgoing import open_http_client
from shipping_service.domain.consignment import (
    BoughtLabel,
    ConsignmentRequest,
    Document,
    DocumentKind,
    VoidOutcome,
)
from shipping_service.domain.tracking import UNKNOWN, Scan, Status, means
from shipping_service.use_cases.ports import (
    Capabilities,
    Carrier,
    CarrierOutcomeUnknown,
    CarrierUnavailable,
    Prepared,
)
from shipping_service.use_cases.tracking_port import (
    Delivery,
    NotAuthentic,
    NotTracked,
    Told,
    Tracking,
    TrackingRef,
    Webhook,
)

MEANINGS = {"got": means(Status.ACCEPTED), "gave": means(Status.DELIVERED)}


class ToySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_TOY_POST_")

    base_url: str
    secret: SecretStr


class ToyPost:
    """Gateway and tracker in one. A reference is sold once, however often it is asked for."""

    def __init__(self) -> None:
        self._api = open_http_client("toy_post", ToySettings.load().base_url, timeout_s=5, max_connections=4)

    async def close(self) -> None:
        await self._api.aclose()

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        return Prepared(_name(request))

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        try:
            response = await self._api.put(f"/labels/{_name(request)}")
        except httpx.ConnectError as error:
            raise CarrierUnavailable("toy_post was not reached") from error
        except httpx.TransportError as error:
            raise CarrierOutcomeUnknown(request.reference) from error
        return _label(request, response.json())

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        response = await self._ask("GET", f"/labels/{_name(request)}")
        return _label(request, response.json()) if response.is_success else None

    async def void(self, carrier_ref: str) -> VoidOutcome:
        await self._ask("DELETE", f"/labels/{carrier_ref}")
        return VoidOutcome.VOIDED

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        return VoidOutcome.VOIDED

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        numbers = [one.tracking_number for one in refs]
        scans = (await self._ask("GET", f"/scans?numbers={','.join(numbers)}")).json()
        return {one: Told(tuple(_scan(one, *said) for said in scans[one])) for one in numbers}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        return {one.tracking_number: "" for one in refs}

    async def _ask(self, method: str, path: str) -> httpx.Response:
        try:
            return await self._api.request(method, path)
        except httpx.TransportError as error:
            raise CarrierUnavailable("toy_post was not reached") from error


def _name(request: ConsignmentRequest) -> str:
    return request.reference.replace("/", "-")


def _label(request: ConsignmentRequest, sold: dict[str, Any]) -> BoughtLabel:
    return BoughtLabel(
        carrier_ref=_name(request),
        carrier="toy_post",
        service=request.service,
        tracking_number=sold["number"],
        tracking_url=None,
        cost_minor=sold["cents"],
        cost_currency="EUR",
        cost_exponent=2,
        documents=(Document(DocumentKind.LABEL, "application/pdf", b"%PDF-1.7 toy"),),
    )


def _scan(number: str, code: str, at: str) -> Scan:
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=MEANINGS.get(code, UNKNOWN),
        local_time=at,
        occurred_at=datetime.fromisoformat(at),
    )


def _verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    given = headers.get("x-toy-sign", "").encode()
    signs = [hmac.new(one.encode(), body, hashlib.sha256).hexdigest().encode() for one in secrets]
    if not any(hmac.compare_digest(one, given) for one in signs):
        raise NotAuthentic
    return Delivery(hashlib.sha256(body).hexdigest(), body)


def _read(payload: bytes) -> Told:
    said = json.loads(payload)
    return Told((_scan(said["number"], said["code"], said["at"]),))


CARRIER = Carrier(
    code="toy_post",
    capabilities=Capabilities(can_find=True, can_void=True, void_is_async=False, pays_once=True),
    open_gateway=ToyPost,
    tracking=Tracking(
        codes={"code": MEANINGS},
        open_tracker=ToyPost,
        batch_size=10,
        webhook=Webhook(
            verify=_verify, read=_read, secrets=lambda: (ToySettings.load().secret.get_secret_value(),)
        ),
    ),
)
