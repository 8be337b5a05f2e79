"""One shop: fetch an order, list what changed, tell a parcel.

Source: the fact sheet's sections on orders and on tracking, read 2026-11-22.
"""

import json
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.tiktok_shop import codes, mapping, wire
from order_service.adapters.marketplaces.tiktok_shop.api import TikTokShopApi
from order_service.adapters.marketplaces.tiktok_shop.lookups import Lookups
from order_service.use_cases.marketplace import (
    Listed,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Tracking,
)

#: Account, delivery option -> its carriers.
Carriers = Lookups[tuple[str, str, str], tuple[wire.Provider, ...]]

PAGE: Final = 50


class TikTokShopGateway:
    def __init__(self, api: TikTokShopApi, carriers: Carriers) -> None:
        self._api = api
        self._carriers = carriers

    async def write_back(self, tracking: Tracking) -> str:
        """Make a package of the parcel's units with its number; the package's id.

        Safe to repeat: a number that stands on one of the units is not told again.
        """
        order = await self.order(tracking.external_id)
        known = mapping.told_package(order, tracking.tracking_number)
        if known is not None:
            return known
        stopped = mapping.may_not_be_sent(order)
        if stopped is not None:
            raise MarketplaceRefused(stopped)
        if order.shipping_type == codes.SHIPPED_BY_TIKTOK:
            raise MarketplaceRefused("tiktok_issues_the_label")
        units = mapping.units_to_send(order, tracking.units)
        if not units:
            raise MarketplaceRefused("units_not_fulfillable")
        body = {
            "order_line_item_ids": units,
            "shipping_provider_id": await self._provider(order, tracking.carrier),
            "tracking_number": tracking.tracking_number,
        }
        path = f"/fulfillment/202309/orders/{order.id}/packages"
        return (await self._api.change(path, body, wire.Package)).package_id

    async def fetch_order(self, external_id: str) -> bytes:
        """The order alone, without the answer around it."""
        found = await self._api.ask("/order/202309/orders", wire.Orders, ids=external_id)
        for order in found.orders:
            if order.get("id") == external_id:
                return json.dumps(order).encode()
        raise MarketplaceRefused("order_not_found")

    async def order(self, external_id: str) -> wire.Order:
        try:
            return wire.Order.model_validate_json(await self.fetch_order(external_id))
        except ValidationError as error:
            raise MarketplaceUnavailable("the order cannot be read") from error

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """A page of whole orders, those that changed first before the others."""
        token = {} if cursor is None else {"page_token": cursor}
        found = await self._api.ask(
            "/order/202309/orders/search",
            wire.Orders,
            body={"update_time_ge": int(since.timestamp()), "update_time_lt": int(until.timestamp()) + 1},
            page_size=str(PAGE),
            sort_field="update_time",
            sort_order="ASC",
            **token,
        )
        orders = [json.dumps(one).encode() for one in found.orders]
        return Listed(orders=orders, cursor=found.next_page_token or None)

    async def shop_of_credentials(self) -> str:
        """The account's own shop where the token opens it, else another that it opens."""
        shops = [one.id for one in await self._api.shops()]
        if not shops:
            raise MarketplaceRefused("no_shop_authorised")
        own = self._api.account.shop_ref
        return own if own in shops else shops[0]

    async def _provider(self, order: wire.Order, carrier: str) -> str:
        """TikTok's id of a carrier, from those of the order's delivery option: names are not accepted."""
        if not order.delivery_option_id:
            raise MarketplaceRefused("order_without_delivery_option")
        account, option = self._api.account, order.delivery_option_id
        key = (account.merchant_id, account.account, option)

        async def look_up() -> tuple[wire.Provider, ...]:
            path = f"/logistics/202309/delivery_options/{option}/shipping_providers"
            return (await self._api.ask(path, wire.Providers)).shipping_providers

        by_name = {codes.plain(one.name): one.id for one in await self._carriers.get(key, look_up)}
        for name in codes.provider_names(carrier):
            if name in by_name:
                return by_name[name]
        self._carriers.forget(key)  # it may be among them when somebody has looked after it
        raise MarketplaceRefused("carrier_not_offered_for_this_delivery")
