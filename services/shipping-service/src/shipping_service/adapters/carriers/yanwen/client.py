"""What Yanwen does about a label: one order, looked for before it is created again."""

import base64
import binascii
from typing import Final

from crossdock_chassis.logging import get_logger
from shipping_service.adapters.carriers.yanwen import codes, mapping, wire
from shipping_service.adapters.carriers.yanwen.api import NoAnswer, YanwenApi, read_data
from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
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

CREATE: Final = "express.order.create"
LOOK: Final = "express.order.getlist"
LABEL: Final = "express.order.label.get"
CANCEL: Final = "express.order.cancel"

#: The offer of an order that nobody can have created before: `prepare` was here a moment ago.
NEW: Final = "new"


class YanwenGateway:
    """One account. An order costs nothing until the warehouse has its parcel, and is known by a number that
    is made of our reference.

    Source: see wire.py.
    """

    def __init__(self, settings: YanwenSettings) -> None:
        self._settings = settings
        self._api = YanwenApi(settings)

    async def close(self) -> None:
        await self._api.close()

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        """Nothing is sent: the order's number is ours already. What would be refused shows here.

        Raises CarrierRejected.
        """
        mapping.to_create_order(request, self._settings)
        return Prepared(mapping.to_order_number(request.reference), NEW)

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        """Create the order and fetch its label. Without an offer an earlier attempt may have created it: it
        is looked for first.

        Raises:
            CarrierRejected: there is no such order, and none will be made of this.
            CarrierUnavailable: nothing was created.
            CarrierMisconfigured: the account, its token or the address is not the right one.
            CarrierOutcomeUnknown: it may have been created.
            LabelPending: it is there; its label is not.
        """
        order = None if prepared.offer else await self._found(request)
        if order is None:
            order = await self._create(request)
        return await self._label_of(order, request.service)

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """The order's label, or None when their list of orders of that number is empty.

        Raises CarrierUnavailable, CarrierMisconfigured, LabelPending; CarrierOutcomeUnknown when they refuse
        the question; CarrierRejected for an order that somebody has cancelled there.
        """
        order = await self._found(request, carrier_ref)
        return None if order is None else await self._label_of(order, request.service)

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """Ask for the order to be cancelled, which they do until their warehouse has the parcel. That they
        take the wish is no cancel yet: `void_state` tells. Safe to repeat.

        Raises CarrierUnavailable (whatever happened, asking again is right), CarrierMisconfigured, and
        CarrierRejected when they know no such order.
        """
        order = await self._known(carrier_ref)
        outcome = mapping.to_void_outcome(order)
        if outcome is not VoidOutcome.SUBMITTED:
            return outcome
        wish = wire.CancelOrder(waybillNumber=order.waybillNumber, note="not needed")
        try:
            await self._api.call(CANCEL, wish)
        except NoAnswer as error:
            raise CarrierUnavailable("yanwen gave no answer to a cancel") from error
        except CarrierRejected as refused:
            log.info("yanwen.cancel_refused", waybill=order.waybillNumber, code=refused.code)
            return VoidOutcome.REJECTED
        return VoidOutcome.SUBMITTED

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """What the order's state says. Raises as `void`."""
        return mapping.to_void_outcome(await self._known(carrier_ref))

    async def _create(self, request: ConsignmentRequest) -> wire.Order:
        """A refusal may be that of a second creation: the order is looked for before it is believed."""
        said = mapping.to_create_order(request, self._settings)
        try:
            return read_data(await self._api.call(CREATE, said), wire.Order)
        except NoAnswer as error:
            raise CarrierOutcomeUnknown(request.reference) from error
        except CarrierRejected as refused:
            order = await self._made_before(request, said.orderNumber)
            if order is None and mapping.says(refused.words, codes.DUPLICATE):
                raise CarrierOutcomeUnknown(request.reference) from refused
            if order is None:
                raise
            return order

    async def _made_before(self, request: ConsignmentRequest, order_number: str) -> wire.Order | None:
        try:
            return await self._look(order_number)
        except CarrierRejected:
            return None
        except CarrierUnavailable as error:
            raise CarrierOutcomeUnknown(request.reference) from error

    async def _found(self, request: ConsignmentRequest, carrier_ref: str | None = None) -> wire.Order | None:
        try:
            return await self._look(carrier_ref or mapping.to_order_number(request.reference))
        except CarrierRejected as refused:
            log.info("yanwen.question_refused", reference=request.reference, code=refused.code)
            raise CarrierOutcomeUnknown(request.reference) from refused

    async def _known(self, carrier_ref: str) -> wire.Order:
        order = await self._look(carrier_ref)
        if order is None:
            raise CarrierRejected("no_such_order")
        return order

    async def _look(self, number: str) -> wire.Order | None:
        """By our number or the waybill's; None for an empty list; without an answer, CarrierUnavailable."""
        try:
            data = await self._api.call(LOOK, wire.ListOrders(listNumber=(number,)))
            orders = read_data({"orders": data or ()}, wire.Orders).orders
        except NoAnswer as error:
            raise CarrierUnavailable("yanwen gave no answer to a question") from error
        ours = [one for one in orders if number in (one.orderNumber, one.waybillNumber)]
        if orders and not ours:
            raise CarrierUnavailable("yanwen answered with another order")
        return ours[0] if ours else None

    async def _label_of(self, order: wire.Order, service: str) -> BoughtLabel:
        """The order is there: whatever keeps its label away, it is waited for and not made elsewhere."""
        if order.status == codes.CANCELLED:
            raise CarrierRejected("order_cancelled_at_yanwen")
        return mapping.to_bought_label(order, service, await self._label(order.waybillNumber))

    async def _label(self, waybill: str) -> Document:
        try:
            told = read_data(await self._api.call(LABEL, wire.AskLabel(waybillNumber=waybill)), wire.Label)
            content = base64.b64decode(told.base64String or "", validate=True)
        except CarrierRejected as refused:
            raise self._pending(f"no label yet: {refused.code}") from refused
        except (CarrierUnavailable, NoAnswer, binascii.Error, ValueError) as error:
            raise self._pending("the label could not be fetched") from error
        media_type = media_type_of(content)
        if not told.isSuccess or media_type is None:
            raise self._pending("the label is not made yet")
        return Document(DocumentKind.LABEL, media_type, content)

    def _pending(self, reason: str) -> LabelPending:
        return LabelPending(f"yanwen: {reason}", self._settings.retry_label_after_s)
