"""A marketplace that issues its labels itself and takes a while about it, in one folder as a real one."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from order_service.adapters.marketplaces.shopify.mapping import read_order
from order_service.use_cases.marketplace import (
    Delivery,
    IssuedLabel,
    LabelWish,
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    Meter,
    NotAuthentic,
    NotReadyYet,
    StockNumber,
    StockTelling,
    Tracking,
)
from order_service.use_cases.ports import Account


def verify(account: Account, headers: Mapping[str, str], body: bytes) -> Delivery:
    secret = account.secrets.webhook[0].encode()
    if not hmac.compare_digest(hmac.new(secret, body, hashlib.sha256).hexdigest(), headers.get("x-sign", "")):
        raise NotAuthentic
    return Delivery(hashlib.sha256(body).hexdigest(), "orders/updated", {})


class Mall:
    """Calls to the toy's server."""

    def __init__(self, http: httpx.AsyncClient, account: Account) -> None:
        self._http = http
        self._base = account.api_base_url or ""

    async def issue_label(self, wish: LabelWish) -> IssuedLabel:
        order = f"/orders/{wish.external_id}/labels/{wish.parcel_ref}"
        answer = await self._put(order, {"units": dict(wish.units), "weight_g": wish.weight_g})
        if answer.status_code == 202:
            raise NotReadyYet("being made", retry_after_s=0.2)
        said = answer.json()
        return IssuedLabel(
            said["carrier"],
            said["service"],
            said["number"],
            "application/pdf",
            base64.b64decode(said["pdf"]),
        )

    async def cancel(self, external_id: str, reason: str) -> str:
        await self._put(f"/orders/{external_id}/cancel", {"reason": reason})
        return external_id

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        await self._put("/stock", {one.external_sku: one.units for one in numbers})
        return {}

    async def write_back(self, tracking: Tracking) -> str:
        raise MarketplaceRefused("it gave the number itself")

    async def fetch_order(self, external_id: str) -> bytes:
        raise MarketplaceRefused("nobody asks")

    async def _put(self, path: str, body: Any) -> httpx.Response:
        try:
            answer = await self._http.put(self._base + path, json=body, timeout=5.0)
        except httpx.TransportError as error:
            raise MarketplaceOutcomeUnknown(type(error).__name__) from error
        if answer.status_code >= 400:
            raise MarketplaceRefused(f"http_{answer.status_code}")
        return answer


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    def opens(account: Account, _: Meter) -> Mall:
        return Mall(http, account)

    return Marketplace(
        code="toy_mall",
        writes_tracking=True,
        fetched_topic="orders/updated",
        verify=verify,
        read=read_order,
        open_gateway=opens,
        stock=StockTelling(opens, batch=50),
        open_canceller=opens,
        open_issuer=opens,
    )
