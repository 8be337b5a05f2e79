"""Cancels of ours, told to eBay by the Post-Order API, which cancels whole orders.

Source: developer.ebay.com, Post-Order API v2 "Create Cancellation Request" and "Approve Cancellation
Request", read 2026-11-22. For sellers in the EU and the UK eBay wants such calls signed, which is not done
here: they are refused, and a person cancels.
"""

from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import codes, wire
from order_service.adapters.marketplaces.ebay.calls import EbayApi, parsed
from order_service.adapters.marketplaces.ebay.client import FULFILMENT, order_path, time_of
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    NotReadyYet,
)

PATH: Final = "/post-order/v2/cancellation"
#: eBay gives the buyer the money back before an order is cancelled.
WAIT_S: Final = 60.0
OPEN: Final = "REQUESTED"


class EbayCanceller:
    def __init__(self, api: EbayApi) -> None:
        self._api = api

    async def cancel(self, external_id: str, reason: str) -> str:
        """Cancel the order, or agree to the buyer's own wish; the id of the cancel, or of the order.

        Safe to repeat: the order is asked for first. Raises NotReadyYet while eBay is at it.
        """
        order = await self._order(external_id)
        status = order.cancelStatus
        if status.cancelState == codes.CANCELLED:
            return order.orderId
        if (order.orderFulfillmentStatus or codes.NOT_STARTED) != codes.NOT_STARTED:
            raise MarketplaceRefused("order_was_sent")
        wish = next((one for one in status.cancelRequests if _is_open_wish(one)), None)
        if wish is not None:
            reference = wish.cancelRequestId or order.orderId
            await self._change(f"{PATH}/{reference}/approve", None, order)
        elif status.cancelState == codes.CANCEL_UNDER_WAY:
            raise NotReadyYet("the cancel is under way", retry_after_s=WAIT_S)
        else:
            reference = await self._create(order, reason)
        if (await self._order(external_id)).cancelStatus.cancelState != codes.CANCELLED:
            raise NotReadyYet("the cancel is under way", retry_after_s=WAIT_S)
        return reference

    async def _create(self, order: wire.Order, reason: str) -> str:
        paid_at = next((one.paymentDate for one in order.paymentSummary.payments if one.paymentDate), None)
        paid = order.orderPaymentStatus == codes.PAID
        body: dict[str, object] = {
            "legacyOrderId": order.legacyOrderId or order.orderId,
            "cancelReason": self._api.settings.cancel_reasons.get(reason, codes.CANCEL_REASON),
            "buyerPaid": paid,
        }
        if paid and paid_at is not None:
            body["buyerPaidDate"] = {"value": time_of(paid_at)}
        answer = await self._change(PATH, body, order)
        try:
            return wire.Cancel.model_validate_json(answer).cancelId
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer to a cancel cannot be read") from error

    async def _change(self, path: str, body: dict[str, object] | None, order: wire.Order) -> bytes:
        site = next((one.listingMarketplaceId for one in order.lineItems if one.listingMarketplaceId), None)
        headers = {"X-EBAY-C-MARKETPLACE-ID": site} if site else {}
        scheme = self._api.settings.post_order_scheme
        return (await self._api.change(FULFILMENT, path, body, headers=headers, scheme=scheme)).content

    async def _order(self, external_id: str) -> wire.Order:
        order = parsed(wire.Order, await self._api.ask(FULFILMENT, order_path(external_id)))
        if order.orderId != external_id:
            raise MarketplaceUnavailable("ebay answered with another order")
        return order


def _is_open_wish(request: wire.CancelRequest) -> bool:
    return request.cancelInitiator == "BUYER" and request.cancelRequestState == OPEN
