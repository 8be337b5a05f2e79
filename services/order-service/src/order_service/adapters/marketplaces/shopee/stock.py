"""Numbers of stock, told to one shop by item and model.

Source: the fact sheet's section on stock, and Shopee's guide "Stock & price management", seen 2026-11. That a
search finds items by the SKUs of their models is unconfirmed (README.md).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from order_service.adapters.marketplaces.shopee import wire
from order_service.adapters.marketplaces.shopee.client import ShopeeCalls
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    StockNumber,
)

#: SKUs told in one job. Each costs a search, and each item a call.
BATCH: Final = 20
#: Models in one call, and items of one search that are looked at.
MOST_MODELS: Final = 50
MOST_ITEMS: Final = 50


class ShopeeStock:
    """`location_id`: where the shop's numbers are kept; None: it has one place."""

    def __init__(self, calls: ShopeeCalls, location_id: str | None) -> None:
        self._calls = calls
        self._location_id = location_id

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set the numbers; refused SKUs with their codes, the others are set. Safe to repeat."""
        refused: dict[str, str] = {}
        wanted: defaultdict[int, dict[int, StockNumber]] = defaultdict(dict)
        for one in numbers:
            found = await self._places(one.external_sku)
            if not found:
                refused[one.external_sku] = "sku_not_found"
            for item_id, model_id in found:
                wanted[item_id][model_id] = one
        for item_id, models in wanted.items():
            refused |= await self._set(item_id, models)
        return refused

    async def _places(self, sku: str) -> list[tuple[int, int]]:
        """Items and models with exactly this SKU: the search also finds what only looks like it."""
        found = await self._calls.ask(
            "/api/v2/product/search_item", wire.FoundItems, item_sku=sku, page_size=MOST_ITEMS
        )
        if not found.item_id_list:
            return []
        infos = await self._calls.ask(
            "/api/v2/product/get_item_base_info",
            wire.ItemInfos,
            item_id_list=",".join(map(str, found.item_id_list)),
        )
        places: list[tuple[int, int]] = []
        for item in infos.item_list:
            if item.has_model:
                models = await self._calls.ask(
                    "/api/v2/product/get_model_list", wire.Models, item_id=item.item_id
                )
                places += [(item.item_id, one.model_id) for one in models.model if one.model_sku == sku]
            elif item.item_sku == sku:
                places.append((item.item_id, 0))
        return places

    async def _set(self, item_id: int, models: Mapping[int, StockNumber]) -> Mapping[str, str]:
        """Set one item's models; what is refused for the whole call is refused for each of them."""
        refused: dict[str, str] = {}
        ids = sorted(models)
        for start in range(0, len(ids), MOST_MODELS):
            some = {one: models[one] for one in ids[start : start + MOST_MODELS]}
            try:
                refused |= await self._update(item_id, some)
            except MarketplaceRefused as error:
                refused |= {one.external_sku: str(error.args[0]) for one in some.values()}
        return refused

    async def _update(self, item_id: int, models: Mapping[int, StockNumber]) -> Mapping[str, str]:
        body = {"item_id": item_id, "stock_list": [self._entry(*one) for one in models.items()]}
        said = await self._calls.change("/api/v2/product/update_stock", body, wire.StockUpdated)
        if said is None:
            raise MarketplaceOutcomeUnknown("update_stock answered nothing")
        refused = {one.model_id: (one.failed_reason or "refused")[:100] for one in said.failure_list}
        if said.success_list is not None:
            done = {one.model_id for one in said.success_list}
            refused = {**dict.fromkeys(models.keys() - done, "not_confirmed"), **refused}
        return {models[one].external_sku: code for one, code in refused.items() if one in models}

    def _entry(self, model_id: int, number: StockNumber) -> Mapping[str, Any]:
        place: dict[str, Any] = {"location_id": self._location_id} if self._location_id else {}
        return {"model_id": model_id, "seller_stock": [{**place, "stock": number.units}]}
