"""Numbers of stock, told to one shop by SKU.

Source: the fact sheet's section on stock, and developer.woocommerce.com, REST API v3 "Products" and "Product
variations" (batch), read 2026-11-22. What of it is unconfirmed is in README.md.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from pydantic import TypeAdapter

from order_service.adapters.marketplaces.woocommerce import wire
from order_service.adapters.marketplaces.woocommerce.client import WooCommerceGateway, read
from order_service.use_cases.marketplace import StockNumber

#: SKUs in one call; a batch takes 100 objects, and a page shows 100 products.
BATCH: Final = 50
_PRODUCTS: TypeAdapter[list[wire.Product]] = TypeAdapter(list[wire.Product])
_UPDATED: TypeAdapter[wire.ProductsUpdated] = TypeAdapter(wire.ProductsUpdated)


class WooCommerceStock:
    def __init__(self, gateway: WooCommerceGateway) -> None:
        self._gateway = gateway

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set the stock of these SKUs; those refused, with their codes. Safe to repeat.

        Products are set together, variations together with those of the same product.
        """
        units = {one.external_sku: one.units for one in numbers}
        products = [one for one in await self._products(list(units)) if one.sku in units]
        refused = dict.fromkeys(units.keys() - {one.sku for one in products}, "sku_not_found")
        groups: defaultdict[int, list[wire.Product]] = defaultdict(list)
        for product in products:
            groups[product.parent_id if product.type == "variation" else 0].append(product)
        for parent_id, group in sorted(groups.items()):
            refused |= await self._set(parent_id, group, units)
        return refused

    async def _products(self, skus: Sequence[str]) -> list[wire.Product]:
        """A SKU with a comma cannot be asked for with others, so it is asked for alone."""
        alone = [sku for sku in skus if "," in sku]
        together = ",".join(sku for sku in skus if "," not in sku)
        found: list[wire.Product] = []
        for sku in [*alone, together]:
            if sku:
                answer = await self._gateway.ask(f"/wc/v3/products?per_page=100&sku={quote(sku, safe='')}")
                page = read(_PRODUCTS, answer)
                found += page
        return found

    async def _set(
        self, parent_id: int, products: Sequence[wire.Product], units: Mapping[str, int]
    ) -> Mapping[str, str]:
        path = f"/wc/v3/products/{parent_id}/variations/batch" if parent_id else "/wc/v3/products/batch"
        update = [{"id": one.id, "manage_stock": True, "stock_quantity": units[one.sku]} for one in products]
        answer = await self._gateway.change("POST", path, {"update": update}, _UPDATED)
        skus = {one.id: one.sku for one in products}
        return {
            skus[one.id]: one.error.code[:100]
            for one in answer.update
            if one.error is not None and one.id in skus
        }
