"""What YunExpress does about a label: one order, looked for before it is created again."""

import base64
import binascii
from typing import Final

import httpx

from crossdock_chassis.logging import get_logger
from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.yunexpress import codes, mapping, wire
from shipping_service.adapters.carriers.yunexpress.api import NoAnswer, YunExpressApi, read_result
from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.domain.consignment import (
    BoughtLabel,
    ConsignmentRequest,
    Document,
    DocumentKind,
    VoidOutcome,
    media_type_of,
)
from shipping_service.use_cases.ports import (
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    LabelPending,
    Prepared,
)

log = get_logger(__name__)

CREATE: Final = "/v1/order/package/create"
LOOK: Final = "/v1/order/info/get"
LABEL: Final = "/v1/order/label/get"
CANCEL: Final = "/v1/order/cancel"
PRICE: Final = "/v1/price-trial/get"


class YunExpressGateway:
    """One account. An order costs nothing until the warehouse has its parcel, and is there once: its customer
    order number, which is made of our reference, is unique.

    Source: see wire.py.
    """

    def __init__(self, settings: YunExpressSettings) -> None:
        self._settings = settings
        self._api = YunExpressApi(settings)
        # Label files may be on other hosts: neither token nor signature goes there.
        self._files = open_http_client(
            "yunexpress_files", timeout_s=settings.timeout_s, max_connections=settings.max_connections
        )

    async def close(self) -> None:
        await self._api.close()
        await self._files.aclose()

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        """Nothing is created: the order's number is ours already. What would be refused shows here, and the
        price is asked.

        Raises CarrierRejected, CarrierUnavailable, CarrierMisconfigured.
        """
        mapping.to_create_order(request, self._settings)
        return Prepared(mapping.to_order_number(request.reference), await self._price(request))

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        """Create the order and fetch its label. Without an offer an earlier attempt may have created it: it
        is looked for first, and whoever creates it twice is refused.

        Raises:
            CarrierRejected: there is no such order, and none will be made of this.
            CarrierUnavailable: nothing was created.
            CarrierMisconfigured: the app, its secret or the address is not the right one.
            CarrierOutcomeUnknown: it may have been created.
            LabelPending: it is there; its number or its label is not.
        """
        order = None if prepared.offer else await self._look(mapping.to_order_number(request.reference))
        if order is None:
            order = await self._create(request)
        return await self._label_of(request, order, prepared.offer)

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """The order's label, or None when they know no such order. Should that be wrong, or become wrong, the
        next creation is refused as a duplicate.

        Raises CarrierUnavailable, CarrierMisconfigured, LabelPending; CarrierRejected for an order that
        somebody has cancelled there.
        """
        order = await self._look(carrier_ref or mapping.to_order_number(request.reference))
        return None if order is None else await self._label_of(request, order, None)

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """Cancel the order, which they do until their warehouse has the parcel. Safe to repeat.

        Raises CarrierUnavailable (whatever happened, asking again is right), CarrierMisconfigured, and
        CarrierRejected when they know no such order.
        """
        order = await self._known(carrier_ref)
        if order.status == codes.CANCELLED:
            return VoidOutcome.VOIDED
        try:
            await self._api.post(CANCEL, wire.CancelOrder(waybill_number=order.waybill_number or carrier_ref))
        except NoAnswer as error:
            raise CarrierUnavailable("yunexpress gave no answer to a cancel") from error
        except CarrierRejected as refused:
            log.info("yunexpress.cancel_refused", waybill=order.waybill_number, code=refused.code)
            return VoidOutcome.REJECTED
        return await self.void_state(carrier_ref)

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """What the order's state says. Raises as `void`."""
        order = await self._known(carrier_ref)
        return codes.CANCELS.get(order.status or "", VoidOutcome.SUBMITTED)

    async def _create(self, request: ConsignmentRequest) -> wire.Order:
        """A refusal may be that of a second creation: the order is looked for before it is believed."""
        said = mapping.to_create_order(request, self._settings)
        try:
            return read_result(await self._api.post(CREATE, said), wire.Order)
        except NoAnswer as error:
            raise CarrierOutcomeUnknown(request.reference) from error
        except CarrierRejected as refused:
            try:
                order = await self._look(said.customer_order_number)
            except CarrierUnavailable as error:
                raise CarrierOutcomeUnknown(request.reference) from error
            if order is not None:
                return order
            if mapping.says_duplicate(refused):
                raise CarrierOutcomeUnknown(request.reference) from refused
            raise

    async def _look(self, order_number: str) -> wire.Order | None:
        """The order, None when they know none. Raises CarrierRejected when it is cancelled."""
        try:
            order = await self._asked(order_number)
        except CarrierRejected as refused:
            log.info("yunexpress.no_such_order", order_number=order_number, code=refused.code)
            return None
        if order is not None and order.status == codes.CANCELLED:
            raise CarrierRejected("order_cancelled_at_yunexpress")
        return order

    async def _known(self, carrier_ref: str) -> wire.Order:
        order = await self._asked(carrier_ref)
        if order is None:
            raise CarrierRejected("no_such_order")
        return order

    async def _asked(self, order_number: str) -> wire.Order | None:
        """By the customer's number or the waybill's; without an answer, CarrierUnavailable."""
        try:
            result = await self._api.get(LOOK, order_number=order_number)
            order = None if not result else read_result(result, wire.Order)
        except NoAnswer as error:
            raise CarrierUnavailable("yunexpress gave no answer to a question") from error
        if order is not None and order_number not in (order.customer_order_number, order.waybill_number):
            raise CarrierUnavailable("yunexpress answered with another order")
        return order

    async def _label_of(
        self, request: ConsignmentRequest, order: wire.Order, price: str | None
    ) -> BoughtLabel:
        """The order is there: whatever keeps its label away, it is waited for and not made elsewhere."""
        if not order.waybill_number:
            raise self._pending("no waybill number yet")
        if mapping.awaits_number(order, request.service, self._settings.number_not_awaited):
            raise self._pending(
                "no last-mile number yet; a service that gets none before the parcel is received belongs in "
                "CARRIER_YUNEXPRESS_NUMBER_NOT_AWAITED"
            )
        label = await self._label(order.waybill_number)
        try:
            price = price or await self._price(request)
        except CarrierUnavailable:
            log.info("yunexpress.no_price", service=request.service)
        return mapping.to_bought_label(
            order.customer_order_number, order.waybill_number, request.service, price, label
        )

    async def _label(self, waybill: str) -> Document:
        try:
            told = read_result(await self._api.get(LABEL, order_number=waybill), wire.Label)
            content = await self._content(told)
        except CarrierRejected as refused:
            raise self._pending(f"no label yet: {refused.code}") from refused
        except (CarrierUnavailable, NoAnswer, httpx.TransportError, httpx.InvalidURL) as error:
            raise self._pending("the label could not be fetched") from error
        media_type = media_type_of(content)
        if media_type is None:
            raise self._pending("the label is no file that can be printed")
        return Document(DocumentKind.LABEL, media_type, content)

    async def _content(self, told: wire.Label) -> bytes:
        if told.label_string:
            try:
                return base64.b64decode("".join(told.label_string.split()), validate=True)
            except (binascii.Error, ValueError) as error:
                raise NoAnswer("the label is no base64") from error
        if not told.url:
            raise NoAnswer("neither a label nor where it is")
        response = await self._files.get(told.url)
        if not response.is_success:
            raise NoAnswer(f"the label's file: HTTP {response.status_code}")
        return response.content

    async def _price(self, request: ConsignmentRequest) -> str | None:
        """What the service costs by their list; None where they do not say. Nothing depends on it.

        Raises CarrierUnavailable, CarrierMisconfigured.
        """
        question = mapping.to_price_question(request, self._settings.origin)
        try:
            result = await self._api.get(PRICE, **question)
            fees = read_result({"fees": result or ()}, wire.Fees).fees
        except (CarrierRejected, NoAnswer) as error:
            log.info("yunexpress.no_price", service=request.service, error_type=type(error).__name__)
            return None
        return mapping.to_price(fees, request.service)

    def _pending(self, reason: str) -> LabelPending:
        return LabelPending(f"yunexpress: {reason}", self._settings.retry_label_after_s)
