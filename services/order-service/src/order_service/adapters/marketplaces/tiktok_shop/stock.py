"""Numbers of stock, told to one shop: looked up by SKU, set by product.

Source: the fact sheet's section on stock, read 2026-11-22, which rests on public integrations. What of it is
unconfirmed is in README.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from order_service.adapters.marketplaces.tiktok_shop import wire
from order_service.adapters.marketplaces.tiktok_shop.api import TikTokShopApi, refused
from order_service.use_cases.marketplace import MarketplaceRefused, StockNumber

#: SKUs in one call of ours: each may stand on a product of its own, and every product is a call there.
BATCH: Final = 20
PAGE: Final = 100
MOST_PAGES: Final = 5


class TikTokShopStock:
    """`warehouse_id`: where the numbers are kept; None: each SKU has only one place."""

    def __init__(self, api: TikTokShopApi, warehouse_id: str | None) -> None:
        self._api = api
        self._warehouse_id = warehouse_id

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set the stock of these SKUs, wherever they are listed; those refused, with their codes. Safe to
        repeat: the numbers are absolute.
        """
        units = {one.external_sku: one.units for one in numbers}
        products = await self._products(list(units))
        listed = {sku.seller_sku for product in products for sku in product.skus}
        problems = dict.fromkeys(units.keys() - listed, "sku_not_found")
        for product in products:
            problems |= await self._set(product, units)
        return problems

    async def _products(self, skus: Sequence[str]) -> list[wire.Product]:
        found: list[wire.Product] = []
        token: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            page = await self._api.ask(
                "/product/202309/products/search",
                wire.Products,
                body={"seller_skus": skus},
                page_size=str(PAGE),
                **token,
            )
            found += page.products
            if not page.next_page_token:
                break
            token = {"page_token": page.next_page_token}
        return found

    async def _set(self, product: wire.Product, units: Mapping[str, int]) -> Mapping[str, str]:
        """Set the product's SKUs among these; what was refused. A product that is refused costs only its
        own SKUs.
        """
        problems: dict[str, str] = {}
        entries: list[dict[str, object]] = []
        names: dict[str, str] = {}
        for sku in product.skus:
            if sku.seller_sku is None or sku.seller_sku not in units:
                continue
            places = [one.warehouse_id for one in sku.inventory]
            place = self._warehouse_id or (places[0] if len(places) == 1 else None)
            if place is None:
                problems[sku.seller_sku] = "warehouse_not_chosen"
                continue
            names[sku.id] = sku.seller_sku
            inventory = [{"warehouse_id": place, "quantity": units[sku.seller_sku]}]
            entries.append({"id": sku.id, "inventory": inventory})
        if not entries:
            return problems
        path = f"/product/202309/products/{product.id}/inventory/update"
        try:
            updated = await self._api.change(path, {"skus": entries}, wire.StockUpdated)
        except MarketplaceRefused as error:
            return problems | dict.fromkeys(names.values(), str(error.args[0]))
        for one in updated.errors:
            # An error that names no SKU may be about any of them.
            blamed = names.keys() if one.detail.sku_id is None else {one.detail.sku_id} & names.keys()
            problems |= {names[sku_id]: refused(one.code) for sku_id in blamed}
        return problems
