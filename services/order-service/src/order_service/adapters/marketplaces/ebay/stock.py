"""Numbers of stock, told by SKU.

Source: developer.ebay.com, Inventory API "bulkUpdatePriceQuantity", read 2026-11-22. What of it is
unconfirmed is in README.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import wire
from order_service.adapters.marketplaces.ebay.calls import EbayApi
from order_service.use_cases.marketplace import MarketplaceOutcomeUnknown, StockNumber

PATH: Final = "/sell/inventory/v1/bulk_update_price_quantity"
INVENTORY: Final = "inventory"
#: What eBay takes in a call.
BATCH: Final = 25


class EbayStock:
    def __init__(self, api: EbayApi) -> None:
        self._api = api

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set what can be sent of these SKUs; those refused, with eBay's codes. Safe to repeat."""
        requests = [
            {"sku": one.external_sku, "shipToLocationAvailability": {"quantity": one.units}}
            for one in numbers
        ]
        answer = await self._api.change(INVENTORY, PATH, {"requests": requests})
        try:
            results = wire.StockResults.model_validate_json(answer.content).responses
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer about stock cannot be read") from error
        said = {one.sku: one for one in results if one.sku is not None}
        return {
            one.external_sku: code
            for one in numbers
            if (code := _trouble(said.get(one.external_sku))) is not None
        }


def _trouble(result: wire.StockResult | None) -> str | None:
    if result is None:
        return "not_answered"
    if result.statusCode < 400:
        return None
    return f"ebay_{result.errors[0].errorId}" if result.errors else f"http_{result.statusCode}"
