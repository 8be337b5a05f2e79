"""Orders that have changed, in the form of their webhooks, page by page.

Source: shopify.dev, REST Admin API "Retrieve a list of orders" and "Make paginated requests to the REST Admin
API" (the next page is in the Link header, and goes with `limit` alone), read 2026-11-22.
"""

import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from httpx import Response
from pydantic import ValidationError

from order_service.adapters.marketplaces.shopify import wire
from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.use_cases.marketplace import Listed, MarketplaceUnavailable

#: Orders on a page. Shopify gives up to 250; these stay well below the bytes that we take.
PAGE: Final = 50


class ShopifyLister:
    def __init__(self, gateway: ShopifyGateway) -> None:
        self._gateway = gateway

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """Orders of any status, by when they were changed. Safe to repeat."""
        query = {"limit": str(PAGE)}
        if cursor is not None:
            query["page_info"] = cursor
        else:
            query |= {"status": "any", "updated_at_min": _at(since), "updated_at_max": _at(until)}
        response = await self._gateway.rest("/orders.json", query)
        try:
            orders = wire.OrdersEnvelope.model_validate_json(response.content).orders
        except ValidationError as error:
            raise MarketplaceUnavailable("the list of orders cannot be read") from error
        return Listed(orders=[json.dumps(one).encode() for one in orders], cursor=_next_page(response))


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _next_page(response: Response) -> str | None:
    following = response.links.get("next")
    if following is None:
        return None
    page = parse_qs(urlsplit(following["url"]).query).get("page_info")
    if not page:
        raise MarketplaceUnavailable("the list of orders does not tell its next page")
    return page[0]
