"""Cancels of ours, told to Shopee.

Source: Shopee's guides "Order management" (section 5) and "V2.0 Data Definition" (CancelReason of sellers),
seen 2026-11.
"""

from collections.abc import Mapping

from order_service.adapters.marketplaces.shopee import codes, wire
from order_service.adapters.marketplaces.shopee.client import ShopeeCalls
from order_service.adapters.marketplaces.shopee.orders import ShopeeOrders
from order_service.use_cases.marketplace import MarketplaceRefused


class ShopeeCanceller:
    def __init__(self, calls: ShopeeCalls, orders: ShopeeOrders, reasons: Mapping[str, str]) -> None:
        """`reasons`: ours to theirs. Sellers may only say that goods are missing or cannot be delivered."""
        self._calls = calls
        self._orders = orders
        self._reasons = reasons

    async def cancel(self, external_id: str, reason: str) -> str:
        """Cancel the order, or agree with a buyer who asks for it; its number. Safe to repeat."""
        order = await self._orders.order(external_id)
        if order.order_status == codes.CANCELLED:
            return order.order_sn
        if order.order_status == codes.IN_CANCEL:
            body = {"order_sn": order.order_sn, "operation": "ACCEPT"}
            await self._calls.change("/api/v2/order/handle_buyer_cancellation", body)
            return order.order_sn
        if order.order_status in codes.SENT | codes.ARRIVED:
            raise MarketplaceRefused("order_was_sent")
        theirs = self._reasons.get(reason)
        if theirs is None:
            raise MarketplaceRefused(f"shopee_knows_no_reason_like_{reason}"[:100])
        await self._calls.change("/api/v2/order/cancel_order", _cancel(order, theirs))
        return order.order_sn


def _cancel(order: wire.Order, reason: str) -> Mapping[str, object]:
    """`item_list`: what there is none of, and nothing else; all of it, since the order is cancelled whole."""
    items = [{"item_id": one.item_id, "model_id": one.model_id} for one in order.item_list]
    body = {"order_sn": order.order_sn, "cancel_reason": reason}
    return {**body, "item_list": items} if reason == "OUT_OF_STOCK" else body
