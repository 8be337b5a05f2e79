"""One shop's orders: fetched, listed, and told the tracking numbers of parcels that carriers of ours take."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.shopee import codes, packages, wire
from order_service.adapters.marketplaces.shopee.client import ShopeeCalls
from order_service.adapters.marketplaces.shopee.settings import ShopeeSettings
from order_service.use_cases.marketplace import (
    Listed,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Pointer,
    Tracking,
)

#: Orders in one answer of `get_order_detail`; `get_order_list` would list a hundred.
PAGE: Final = 50


class ShopeeOrders:
    """Source: the fact sheet's sections on arrival and on tracking, and Shopee's guide "Order management",
    seen 2026-11.
    """

    def __init__(self, calls: ShopeeCalls, settings: ShopeeSettings, shop_ref: str) -> None:
        self._calls = calls
        self._settings = settings
        self._shop_ref = shop_ref

    async def shop_of_credentials(self) -> str:
        """The shop's id: its calls are signed with it, so an answer without error proves it."""
        await self._calls.succeed("/api/v2/shop/get_shop_info")
        return self._shop_ref

    async def fetch_order(self, external_id: str) -> bytes:
        """An entry of the answer's `order_list`, as it came."""
        found = await self._details([external_id])
        if external_id not in found:
            raise MarketplaceRefused("order_not_found")
        return json.dumps(found[external_id]).encode()

    async def order(self, external_id: str) -> wire.Order:
        try:
            return wire.Order.model_validate_json(await self.fetch_order(external_id))
        except ValidationError as error:
            raise MarketplaceUnavailable("the order cannot be read") from error

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """Numbers by time of change, and the orders behind them in one call more. What Shopee lists and does
        not show is asked for again by its number.
        """
        page = await self._calls.ask(
            "/api/v2/order/get_order_list",
            wire.ListedOrders,
            time_range_field="update_time",
            time_from=int(since.timestamp()),
            time_to=int(until.timestamp()),
            page_size=PAGE,
            cursor=cursor or "",
            request_order_status_pending="true",
        )
        numbers = [one.order_sn for one in page.order_list]
        found = await self._details(numbers) if numbers else {}
        return Listed(
            orders=[json.dumps(one).encode() for one in found.values()],
            pointers=[Pointer(one) for one in numbers if one not in found],
            cursor=page.next_cursor if page.more and page.next_cursor else None,
        )

    async def write_back(self, tracking: Tracking) -> str:
        """Tell the number of a parcel that a carrier of ours takes; the number of Shopee's package.

        Shopee takes numbers for channels that it does not run itself (`non_integrated`), and for others gives
        them. No carrier is told: the buyer chose the channel. Safe to repeat: it looks first.
        """
        order = await self.order(tracking.external_id)
        package = packages.package_of(order, tracking.units)
        reference = package.package_number
        if package.logistics_status not in codes.TO_ARRANGE | codes.NOT_YET:
            known = await packages.number_of(self._calls, order.order_sn, reference)
            if known == tracking.tracking_number:
                return reference
            raise MarketplaceRefused("shopee_has_another_number" if known else "package_is_arranged")
        packages.check_to_arrange(order, package)
        parameter = await packages.parameter_of(self._calls, order.order_sn, reference)
        if parameter.info_needed.non_integrated is None:
            raise MarketplaceRefused("shopee_gives_the_number")
        await packages.arrange(
            self._calls,
            order.order_sn,
            reference,
            {"non_integrated": {"tracking_number": tracking.tracking_number}},
        )
        return reference

    async def _details(self, numbers: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Orders by their number; an unknown one is missing, or refused if it is the only one."""
        answer = await self._calls.ask(
            "/api/v2/order/get_order_detail",
            wire.Orders,
            order_sn_list=",".join(numbers),
            response_optional_fields=",".join(self._settings.order_fields),
            request_order_status_pending="true",
        )
        return {str(one.get("order_sn")): one for one in answer.order_list}
