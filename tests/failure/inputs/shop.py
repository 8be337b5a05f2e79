"""A marketplace's shop: what it sends, and how it proves itself."""

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import order_service
from crossdock_chassis.ids import new_id

SECRET = "shpss_of_the_tests"

_SAMPLE = (
    Path(order_service.__file__).parent / "adapters/marketplaces/shopify/tests/samples/order.json"
).read_text()


def order_body(**changes: Any) -> dict[str, Any]:
    """The sample order as Shopify sends it, with changes at its top level."""
    return {**deepcopy(json.loads(_SAMPLE)), **changes}


def account_given(shop_ref: str) -> dict[str, Any]:
    """What connects a shop."""
    return {
        "platform": "shopify",
        "shop_ref": shop_ref,
        "webhook_secrets": [SECRET],
        "access_token": "shpat_of_the_tests",
        "domestic_countries": ["US"],
    }


def proof(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery_headers(body: bytes, shop_ref: str, *, topic: str = "orders/create") -> dict[str, str]:
    """The headers of a genuine delivery."""
    return {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-SHA256": proof(body),
        "X-Shopify-Shop-Domain": shop_ref,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": str(new_id()),
        "Content-Type": "application/json",
    }
