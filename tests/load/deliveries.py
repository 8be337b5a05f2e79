"""Webhooks as they lie on the wire: each another order, signed, made before anything is measured."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import order_service
from crossdock_sandbox.shopify.deliveries import sign

SHOP = "bench.myshopify.com"
ACCOUNT = "bench"
SECRET = "shpss_of_the_bench"
FIRST_ID = 7_000_000_000_000


@cache
def sample() -> dict[str, Any]:
    """An order as Shopify sends it: two lines, addresses, taxes, 9 kB."""
    folder = Path(order_service.__file__).parent / "adapters/marketplaces/shopify/tests/samples"
    order: dict[str, Any] = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    return order


def deliveries(begin: int, count: int) -> Iterator[bytes]:
    """Whole HTTP/1.1 requests, the orders numbered from `begin` on."""
    for number in range(begin, begin + count):
        order = {**sample(), "id": FIRST_ID + number, "name": f"#B{number}", "order_number": number}
        yield delivery(order, account=ACCOUNT, shop=SHOP, secret=SECRET)


def delivery(order: Mapping[str, Any], *, account: str, shop: str, secret: str) -> bytes:
    """A whole HTTP/1.1 request that tells of a new order."""
    body = json.dumps(order, separators=(",", ":")).encode()
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": str(uuid4()),
        "X-Shopify-Hmac-SHA256": sign(secret, body),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /webhooks/shopify/{account} HTTP/1.1\r\n{lines}\r\n".encode() + body


def account_given() -> dict[str, Any]:
    """What connects the shop."""
    return {
        "platform": "shopify",
        "shop_ref": SHOP,
        "webhook_secrets": [SECRET],
        "access_token": "shpat_of_the_bench",
        "domestic_countries": ["US"],
    }


def skus() -> list[str]:
    """The marketplace's SKUs in every delivery."""
    return sorted({line["sku"] for line in sample()["line_items"]})
