"""Numbers of stock, told by SKU, and the call that tells whether credentials are this seller's.

Source: developer-docs.amazon.com, Listings Items API 2021-08-01 and its changelog on `merge`, read
2026-11-22. What of it is unconfirmed is in README.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from order_service.adapters.marketplaces.amazon import api, wire
from order_service.adapters.marketplaces.amazon.api import SellingPartnerApi
from order_service.use_cases.marketplace import MarketplaceRefused, StockNumber

ITEMS: Final = "/listings/2021-08-01/items"
#: SKUs in one call.
BATCH: Final = 1
#: The stock that the seller sends, and not Amazon.
CHANNEL: Final = "DEFAULT"
#: Refusals that are about the account and not about the SKU.
OF_THE_ACCOUNT: Final = frozenset({"Unauthorized", "https_required", "account_has_no_region", "http_403"})


class AmazonListings:
    """One seller's listings."""

    def __init__(self, api: SellingPartnerApi, product_type: str) -> None:
        self._api = api
        self._product_type = product_type

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set the stock of these SKUs; those refused, with their codes. Safe to repeat.

        What is set is merged into the listing: lead time and restock date stay as they are.
        """
        refused: dict[str, str] = {}
        for one in numbers:
            try:
                code = await self._tell(one)
            except MarketplaceRefused as refusal:
                if refusal.args[0] in OF_THE_ACCOUNT:
                    raise
                code = str(refusal.args[0])
            if code is not None:
                refused[one.external_sku] = code
        return refused

    async def shop_of_credentials(self) -> str:
        """The seller id, if the credentials open that seller's listings: no call tells the id itself."""
        path = f"{ITEMS}/{quote(self._api.seller, safe='')}"
        query = {"marketplaceIds": self._api.marketplaces, "pageSize": "1"}
        await self._api.ask(api.SEARCH_LISTINGS, path, query)
        return self._api.seller

    async def _tell(self, number: StockNumber) -> str | None:
        path = f"{ITEMS}/{quote(self._api.seller, safe='')}/{quote(number.external_sku, safe='')}"
        value = [{"fulfillment_channel_code": CHANNEL, "quantity": number.units}]
        patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}
        body = {"productType": self._product_type, "patches": [patch]}
        query = {"marketplaceIds": self._api.marketplaces}
        content = await self._api.change(api.PATCH_LISTING, "PATCH", path, body, query)
        answer = api.parsed(wire.ListingAnswer, content, changes=True)
        if answer.status == "ACCEPTED":
            return None
        errors = [one.code for one in answer.issues if one.severity == "ERROR"]
        return (errors or [answer.status])[0][:100]
