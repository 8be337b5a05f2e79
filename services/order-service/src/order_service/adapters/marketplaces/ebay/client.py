"""Calls to one seller's orders: fetch, list, tell tracking numbers."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from order_service.adapters.marketplaces.ebay import codes, mapping, wire
from order_service.adapters.marketplaces.ebay.calls import EbayApi, parsed
from order_service.use_cases.marketplace import Listed, MarketplaceUnavailable, Tracking

ORDERS: Final = "/sell/fulfillment/v1/order"
#: Whose quota the calls for orders take from.
FULFILMENT: Final = "fulfilment"
PAGE: Final = 200
#: The shortest time that is asked for at once, and how often a span of it is halved at most.
SHORTEST: Final = timedelta(seconds=1)
HALVINGS: Final = 30
#: Pages of orders that changed in the same second.
CROWDED_PAGES: Final = 20


class EbayGateway:
    """One seller.

    Source: developer.ebay.com, Fulfillment API v1 "getOrder", "getOrders", "getShippingFulfillments" and
    "createShippingFulfillment", and Identity API "getUser", read 2026-11-22.
    """

    def __init__(self, api: EbayApi, *, page: int = PAGE) -> None:
        """`page`: how many orders are asked for at once."""
        self._api = api
        self._page_size = page

    async def fetch_order(self, external_id: str) -> bytes:
        """The order with its taxes."""
        return await self._api.ask(FULFILMENT, order_path(external_id), fieldGroups="TAX_BREAKDOWN")

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """Whole orders that changed in this span.

        eBay promises no order within its list, and what changes meanwhile leaves it, so that pages of it
        would slip. Hence the span is halved until one page holds all of it, and twice as long a one is tried
        next: `cursor` says from when on, and how long the last one was.
        """
        start, end = since, until
        if cursor is not None:
            began, _, length_s = cursor.partition(" ")
            start = datetime.fromisoformat(began)
            end = min(until, start + timedelta(seconds=2 * float(length_s)))
        for _ in range(HALVINGS):
            page = await self._page(start, end)
            if page.total <= self._page_size:
                return _listed(page.orders, start, end, until)
            if end - start <= SHORTEST:
                break
            end = start + (end - start) / 2
        return _listed(await self._crowded(start, end), start, end, until)

    async def _crowded(self, start: datetime, end: datetime) -> list[Mapping[str, Any]]:
        """More orders than a page holds changed in a second: all pages of it at once."""
        orders: list[Mapping[str, Any]] = []
        for n in range(CROWDED_PAGES):
            page = await self._page(start, end, n * self._page_size)
            orders += page.orders
            if (n + 1) * self._page_size >= page.total:
                return orders
        raise MarketplaceUnavailable("more orders changed in a second than can be read")

    async def _page(self, start: datetime, end: datetime, offset: int = 0) -> wire.Orders:
        answer = await self._api.ask(
            FULFILMENT,
            ORDERS,
            filter=f"lastmodifieddate:[{time_of(start)}..{time_of(end)}]",
            fieldGroups="TAX_BREAKDOWN",
            limit=str(self._page_size),
            offset=str(offset),
        )
        return parsed(wire.Orders, answer)

    async def write_back(self, tracking: Tracking) -> str:
        """Tell one parcel's number; eBay's id of the fulfilment. A parcel is a call of its own.

        Safe to repeat: a fulfilment that carries the number already is the answer.
        """
        path = f"{order_path(tracking.external_id)}/shipping_fulfillment"
        there = parsed(wire.Fulfilments, await self._api.ask(FULFILMENT, path))
        known = mapping.already_there(there, tracking.tracking_number)
        if known is not None:
            return known
        settings = self._api.settings
        carriers = {**codes.CARRIERS, **settings.carrier_codes}
        body = mapping.to_fulfilment(tracking, carriers, settings.other_carrier)
        made = await self._api.change(FULFILMENT, path, body)
        # The id is the last part of the address it got; eBay makes it of the tracking number.
        return made.headers.get("Location", "").rstrip("/").rpartition("/")[2] or str(body["trackingNumber"])

    async def shop_of_credentials(self) -> str:
        """The user name of the seller who gave the token."""
        return parsed(wire.Seller, await self._api.ask_identity("/commerce/identity/v1/user/")).username


def order_path(external_id: str) -> str:
    return f"{ORDERS}/{quote(external_id, safe='')}"


def time_of(moment: datetime) -> str:
    """Milliseconds and a Z, as eBay writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _listed(orders: Sequence[Mapping[str, Any]], start: datetime, end: datetime, until: datetime) -> Listed:
    cursor = f"{end.isoformat()} {(end - start).total_seconds()}" if end < until else None
    return Listed(orders=[json.dumps(one, ensure_ascii=False).encode() for one in orders], cursor=cursor)
