"""HTTP to MyDHL API and nothing else: authentication, bounds, errors."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import httpx
from pydantic import ValidationError

from crossdock_chassis.logging import get_logger
from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.dhl_express import mapping, wire
from shipping_service.adapters.carriers.dhl_express.mapping import ProcessFailure, UnreadableAnswer
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings
from shipping_service.domain.consignment import BoughtLabel, ConsignmentRequest, VoidOutcome
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

log = get_logger(__name__)

API_VERSION: Final = "3.1.0"
LONGEST_RETRY_AFTER_S: Final = 3600.0

#: "Not found" is one of them: the path never changes, so the address is wrong.
_WRONG_ACCOUNT: Final = frozenset(
    {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}
)


class DhlExpressGateway:
    """One DHL Express account. One call sells a shipment, for good, and answers its label.

    Source: the OpenAPI document of MyDHL API 3.1.1 (see codes.py), POST /shipments, read 2026-11-22.
    """

    def __init__(self, settings: DhlExpressSettings) -> None:
        self._settings = settings
        self._api = open_http_client(
            "dhl_express",
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json", "x-version": API_VERSION},
            auth=(settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()),
        )

    async def close(self) -> None:
        await self._api.aclose()

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        """Nothing is created: DHL has no shipment that costs nothing. What it would refuse shows here.

        Raises CarrierRejected, CarrierMisconfigured.
        """
        mapping.to_create_shipment(request, self._settings, datetime.now(UTC))
        return Prepared(None)

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        """Sell the shipment. Called twice it sells two: a message reference only traces.

        Raises:
            CarrierRejected: nothing was sold, and asking again unchanged will not help.
            CarrierUnavailable: nothing was sold.
            CarrierMisconfigured: login, address or account is not the right one; nothing was sold.
            CarrierOutcomeUnknown: it may have been sold, or was and its label cannot be used.
        """
        now = datetime.now(UTC)
        said = mapping.to_create_shipment(request, self._settings, now)
        headers = {
            "Content-Type": "application/json",
            "Message-Reference": mapping.to_reference(request.reference),
            "Message-Reference-Date": format_datetime(now, usegmt=True),
        }
        try:
            response = await self._api.post("/shipments", content=said.body(), headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CarrierUnavailable("dhl_express was not reached") from error
        except httpx.TransportError as error:
            raise CarrierOutcomeUnknown(request.reference) from error
        if not response.is_success:
            raise _failure(response, request.reference)
        try:
            created = wire.ShipmentCreated.model_validate_json(response.content)
        except ValidationError as error:
            raise CarrierOutcomeUnknown(request.reference) from error
        try:
            return mapping.to_bought_label(created, request.service)
        except UnreadableAnswer as error:
            # The person who decides needs the waybill: DHL gives its stored images by it.
            log.error(
                "dhl_express.sold_without_label",
                waybill=created.shipmentTrackingNumber,
                reference=request.reference,
                wrong=str(error),
            )
            raise CarrierOutcomeUnknown(request.reference) from error

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """DHL cannot be asked, and never is: `can_find` says so. It could not say "not sold" for certain."""
        raise CarrierRejected("cannot_be_asked")

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """DHL takes nothing back, and is never asked: `can_void` says so."""
        return VoidOutcome.REJECTED

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """As `void`."""
        return VoidOutcome.REJECTED


def _failure(response: httpx.Response, reference: str) -> Exception:
    """What an answer without a shipment means. Only a refusal in their own form is one: whatever stands
    between us may have said the rest after the shipment was sold.
    """
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return CarrierUnavailable("dhl_express asked us to slow down", retry_after_s(response))
    if status in _WRONG_ACCOUNT:
        return CarrierMisconfigured(
            f"dhl_express answered HTTP {status}: look at CARRIER_DHL_EXPRESS_API_KEY, ..._API_SECRET and "
            "..._BASE_URL"
        )
    if not response.is_client_error or status == httpx.codes.REQUEST_TIMEOUT:
        return CarrierOutcomeUnknown(reference)
    try:
        return mapping.to_refusal(status, wire.Problem.model_validate_json(response.content))
    except (ValidationError, ProcessFailure):
        return CarrierOutcomeUnknown(reference)


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds as they ask for; None when they name none, or a date."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER_S) if given.isdecimal() else None
