"""What UPS sells, over HTTP and nothing else: errors, and what may be repeated."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from pydantic import ValidationError

from crossdock_chassis.logging import get_logger
from shipping_service.adapters.carriers.ups import answers, codes, mapping, wire
from shipping_service.adapters.carriers.ups.answers import UnreadableAnswer
from shipping_service.adapters.carriers.ups.api import NoAnswer, Refused, UpsApi
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.domain.consignment import BoughtLabel, ConsignmentRequest, VoidOutcome
from shipping_service.use_cases.ports import CarrierOutcomeUnknown, CarrierUnavailable, Prepared

log = get_logger(__name__)

SHIP: Final = "/api/shipments/v2409/ship"
VOID: Final = "/api/shipments/v2409/void/cancel/"
RECOVERY: Final = "/api/labels/v1903/recovery"


class UpsGateway:
    """One UPS account. One call sells a shipment and answers its label; the label can be got again by our
    reference.

    Source: UPS-API/api-documentation, Shipping.yaml, read 2026-11-22.
    """

    def __init__(self, settings: UpsSettings) -> None:
        self._settings = settings
        self._api = UpsApi("ups", settings)

    async def close(self) -> None:
        await self._api.close()

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        """Nothing is created: UPS has no shipment that costs nothing. What it would refuse shows here.

        Raises CarrierRejected, CarrierMisconfigured.
        """
        mapping.to_create_shipment(request, self._settings, datetime.now(UTC))
        return Prepared(None)

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        """Sell the shipment. Called twice it sells two: no reference of ours keeps UPS from that.

        Raises:
            CarrierRejected: nothing was sold, and asking again unchanged will not help.
            CarrierUnavailable: nothing was sold.
            CarrierMisconfigured: login, address or account is not the right one; nothing was sold.
            CarrierOutcomeUnknown: it may have been sold, or was and its label cannot be used.
        """
        said = mapping.to_create_shipment(request, self._settings, datetime.now(UTC))
        try:
            content = await self._api.call("POST", SHIP, said.body())
            created = wire.ShipmentCreated.model_validate_json(content)
        except Refused as refused:
            raise answers.to_refusal(refused.errors) from refused
        except (NoAnswer, ValidationError) as error:
            raise CarrierOutcomeUnknown(request.reference) from error
        try:
            return answers.to_bought_label(created, request.service)
        except UnreadableAnswer as error:
            number = created.ShipmentResponse.ShipmentResults.ShipmentIdentificationNumber
            log.error("ups.sold_without_label", number=number, wrong=str(error))
            raise CarrierOutcomeUnknown(request.reference) from error

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """The label as UPS gives it again: by its number where a person has typed one, else by our
        reference. What it cost is not told.

        Never None: UPS does not say how soon a shipment is found by its reference, so that "not found" is no
        proof. Asked often enough, a person decides.

        Raises:
            CarrierOutcomeUnknown: UPS does not find it, or not one label that can be used.
            CarrierUnavailable, CarrierMisconfigured: as in `buy`.
        """
        said = mapping.to_recover_label(request, self._settings, carrier_ref)
        try:
            content = await self._api.call("POST", RECOVERY, said.body())
            return answers.to_recovered_label(
                wire.LabelRecovered.model_validate_json(content), request.service
            )
        except NoAnswer as error:
            raise CarrierUnavailable("ups gave no answer to a question") from error
        except Refused as refused:
            log.info("ups.label_not_found", code=refused.errors[0].code, reference=request.reference)
            raise CarrierOutcomeUnknown(request.reference) from refused
        except (ValidationError, UnreadableAnswer) as error:
            log.error("ups.label_not_recovered", reference=request.reference)
            raise CarrierOutcomeUnknown(request.reference) from error

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """Take the whole shipment back. What was taken back before is taken back.

        Raises CarrierUnavailable (whatever happened, asking again is right), CarrierMisconfigured.
        """
        try:
            content = await self._api.call("DELETE", f"{VOID}{quote(carrier_ref, safe='')}")
            status = wire.Voided.model_validate_json(content).VoidShipmentResponse.SummaryResult.Status
        except Refused as refused:
            before = any(codes.ALREADY_VOIDED.search(one.message) for one in refused.errors)
            log.info("ups.void_refused", carrier_ref=carrier_ref, code=refused.errors[0].code, before=before)
            return VoidOutcome.VOIDED if before else VoidOutcome.REJECTED
        except (NoAnswer, ValidationError) as error:
            raise CarrierUnavailable("ups gave no answer to a void") from error
        return VoidOutcome.VOIDED if status.Code == codes.VOIDED else VoidOutcome.REJECTED

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """Asking once more is the only question there is, and a void is answered at once. As `void`."""
        return await self.void(carrier_ref)
