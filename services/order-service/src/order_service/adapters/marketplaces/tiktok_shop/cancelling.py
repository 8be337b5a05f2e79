"""Cancels of ours, told to one shop.

Source: the fact sheet's section on cancels; for the call and its reasons public integrations, read
2026-11-22. What of it is unconfirmed is in README.md.
"""

from typing import Final

from order_service.adapters.marketplaces.tiktok_shop import codes, mapping, wire
from order_service.adapters.marketplaces.tiktok_shop.api import TikTokShopApi
from order_service.adapters.marketplaces.tiktok_shop.client import TikTokShopGateway
from order_service.adapters.marketplaces.tiktok_shop.settings import CancelReasons
from order_service.use_cases.marketplace import MarketplaceRefused, NotReadyYet

CANCELLATIONS: Final = "/return_refund/202309/cancellations"
#: A cancel that is neither refused nor withdrawn, and has not reached the order yet.
UNDER_WAY: Final = frozenset({"CANCELLATION_REQUEST_PENDING", "CANCELLATION_REQUEST_SUCCESS"})
UNDER_WAY_S: Final = 5.0


class TikTokShopCanceller:
    def __init__(self, api: TikTokShopApi, gateway: TikTokShopGateway, reasons: CancelReasons) -> None:
        self._api = api
        self._gateway = gateway
        self._reasons = reasons

    async def cancel(self, external_id: str, reason: str) -> str:
        """Cancel the order, which gives the buyer the money back; the order's id.

        Safe to repeat: neither a cancelled order nor one that is being cancelled is asked for again.
        """
        order = await self._gateway.order(external_id)
        if order.status in codes.CANCELLED:
            return order.id
        if not all(mapping.is_unsent(one) or mapping.is_cancelled(one) for one in order.line_items):
            raise MarketplaceRefused("order_was_sent")
        if not await self._is_under_way(order.id):
            body = {"order_id": order.id, "cancel_reason": self._reasons.model_dump()[reason]}
            await self._api.change(CANCELLATIONS, body, wire.Cancellation)
        if (await self._gateway.order(external_id)).status not in codes.CANCELLED:
            raise NotReadyYet("the cancel is under way", retry_after_s=UNDER_WAY_S)
        return order.id

    async def _is_under_way(self, order_id: str) -> bool:
        found = await self._api.ask(
            f"{CANCELLATIONS}/search", wire.Cancellations, body={"order_ids": [order_id]}, page_size="10"
        )
        return any(one.cancel_status in UNDER_WAY for one in found.cancellations)
