"""Cancels of ours, told to one shop.

Source: shopify.dev, GraphQL Admin API "orderCancel" and "OrderCancelRefundMethodInput", read 2026-11-22.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.shopify import wire
from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.adapters.marketplaces.shopify.mapping import order_gid
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    NotReadyYet,
)

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {"out_of_stock": "INVENTORY", "risk": "FRAUD", "unpaid": "DECLINED", "merchant": "STAFF"}
)
CANCELLED_QUERY: Final = """
query Cancelled($id: ID!) { order(id: $id) { id cancelledAt } }
"""
CANCEL_MUTATION: Final = """
mutation Cancel(
  $id: ID!, $reason: OrderCancelReason!, $refund: OrderCancelRefundMethodInput!, $restock: Boolean!
) {
  orderCancel(orderId: $id, reason: $reason, refundMethod: $refund, restock: $restock) {
    job { id }
    orderCancelUserErrors { field message code }
  }
}
"""


class ShopifyCanceller:
    def __init__(self, gateway: ShopifyGateway, *, refund: bool) -> None:
        """`refund`: to the original payment methods."""
        self._gateway = gateway
        self._refund = refund

    async def cancel(self, external_id: str, reason: str) -> str:
        """Cancel the order, and have it refunded if that is wanted; the order's id there.

        Safe to repeat: the shop is asked first. Stock is not put back there: we tell it our own numbers.
        """
        order = await self._order(external_id)
        if order.cancelledAt is not None:
            return order.id
        variables = {
            "id": order.id,
            "reason": REASONS.get(reason, "OTHER"),
            "refund": {"originalPaymentMethodsRefund": self._refund},
            "restock": False,
        }
        answer = await self._gateway.graphql(CANCEL_MUTATION, variables, changes=True)
        try:
            payload = wire.OrderCancelData.model_validate(answer).orderCancel
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer to orderCancel cannot be read") from error
        if payload is not None and payload.orderCancelUserErrors:
            code = payload.orderCancelUserErrors[0].code or "user_error"
            raise MarketplaceRefused(f"order_cancel_{code.lower()}"[:100])
        if payload is None or payload.job is None:
            raise MarketplaceOutcomeUnknown("orderCancel answered neither a job nor an error")
        if (await self._order(external_id)).cancelledAt is None:  # it is done by a job of theirs
            raise NotReadyYet("the cancel is under way", retry_after_s=5.0)
        return order.id

    async def _order(self, external_id: str) -> wire.CancelledOrder:
        answer = await self._gateway.graphql(CANCELLED_QUERY, {"id": order_gid(external_id)})
        try:
            order = wire.CancelledData.model_validate(answer).order
        except ValidationError as error:
            raise MarketplaceUnavailable("the order cannot be read") from error
        if order is None:
            raise MarketplaceRefused("order_not_found")
        return order
