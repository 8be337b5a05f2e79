"""Orders: one, those that changed, and the confirmation that a parcel has left.

Source: amzn/selling-partner-api-models `orders_2026-01-01.json` and `ordersV0.json` (confirmShipment), read
2026-11-22. What of it is unconfirmed is in README.md.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from order_service.adapters.marketplaces.amazon import api, codes, wire
from order_service.adapters.marketplaces.amazon.api import SellingPartnerApi
from order_service.use_cases.marketplace import (
    Listed,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Tracking,
)

ORDERS: Final = "/orders/2026-01-01/orders"
PAGE: Final = 100
#: Package references that we give: nine digits.
REFERENCES: Final = 900_000_000
FIRST_REFERENCE: Final = 100_000_000

_SEARCHED: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class AmazonOrders:
    """One seller's orders."""

    def __init__(self, api: SellingPartnerApi, carrier_codes: Mapping[str, str]) -> None:
        self._api = api
        self._carrier_codes = {**codes.CARRIERS, **carrier_codes}

    async def fetch_order(self, external_id: str) -> bytes:
        path = f"{ORDERS}/{quote(external_id, safe='')}"
        return await self._api.ask(api.GET_ORDER, path, {"includedData": ",".join(codes.INCLUDED)})

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """A page of whole orders that are ours to send, or were cancelled."""
        query = {
            "lastUpdatedAfter": _time(since),
            "lastUpdatedBefore": _time(until),
            "marketplaceIds": self._api.marketplaces,
            "fulfilledBy": codes.MERCHANT,
            "fulfillmentStatuses": ",".join(codes.SEARCHED),
            "includedData": ",".join(codes.INCLUDED),
            "maxResultsPerPage": str(PAGE),
        }
        if cursor is not None:
            query["paginationToken"] = cursor
        answer = await self._api.ask(api.SEARCH, ORDERS, query)
        try:
            page = _SEARCHED.validate_json(answer)
            pagination = wire.Pagination.model_validate(page.get("pagination") or {})
            orders = [json.dumps({"order": one}).encode() for one in page["orders"]]
        except (ValidationError, KeyError, TypeError) as error:
            raise MarketplaceUnavailable("the platform's answer cannot be read") from error
        return Listed(orders=orders, cursor=pagination.next_token)

    async def write_back(self, tracking: Tracking) -> str:
        """Confirm that one parcel has left; the package's reference.

        Safe to repeat: it looks first, and the reference comes from the tracking number, so that the same
        parcel told again edits its own package, even where Amazon does not show it yet.
        """
        order = api.parsed(wire.OneOrder, await self.fetch_order(tracking.external_id)).order
        for package in order.packages:
            if package.tracking_number == tracking.tracking_number:
                return package.package_reference_id
        _refuse_unless_ours(order)
        reference = reference_of(tracking, {one.package_reference_id for one in order.packages})
        path = f"/orders/v0/orders/{quote(order.order_id, safe='')}/shipmentConfirmation"
        body = self._confirmation(order, tracking, reference)
        await self._api.change(api.CONFIRM, "POST", path, body, {})
        return reference

    def _confirmation(self, order: wire.Order, tracking: Tracking, reference: str) -> Mapping[str, Any]:
        # Not before the order was placed, whatever our clock says.
        shipped_at = max(datetime.now(UTC), order.created_time)
        return {
            "marketplaceId": order.sales_channel.marketplace_id,
            "packageDetail": {
                "packageReferenceId": reference,
                "carrierCode": self._carrier_codes.get(tracking.carrier, codes.OTHER_CARRIER),
                "carrierName": company(tracking.carrier),
                "trackingNumber": tracking.tracking_number,
                "shipDate": _time(shipped_at),
                "orderItems": [
                    {"orderItemId": line, "quantity": units} for line, units in tracking.units.items()
                ],
            },
        }


def _refuse_unless_ours(order: wire.Order) -> None:
    if order.fulfillment.fulfillment_status == codes.CANCELLED:
        raise MarketplaceRefused("order_cancelled")
    if order.fulfillment.fulfilled_by == codes.AMAZON:
        raise MarketplaceRefused("order_is_fulfilled_by_amazon")
    if order.sales_channel.marketplace_id is None:
        raise MarketplaceRefused("order_names_no_marketplace")


def reference_of(tracking: Tracking, taken: Iterable[str]) -> str:
    """A number as text, the same for the same parcel, and no other package's of the order."""
    seed = hashlib.sha256(tracking.tracking_number.encode()).digest()
    number, others = int.from_bytes(seed[:8], "big"), set(taken)
    while (reference := str(FIRST_REFERENCE + number % REFERENCES)) in others:
        number += 1
    return reference


def company(carrier: str) -> str:
    return codes.COMPANIES.get(carrier, carrier.replace("_", " ").title())


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
