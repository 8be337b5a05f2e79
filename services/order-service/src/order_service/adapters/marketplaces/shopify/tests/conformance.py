"""Shopify in the conformance suite."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.ports import Account, Secrets

SAMPLES = Path(__file__).parent / "samples"
ORDER = (SAMPLES / "order.json").read_bytes()
NOTICE = ORDER
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
#: Buyers' data is left out where an app may not see it, never masked.
MASKED = None

ACCOUNT = Account(
    merchant_id="default",
    account="lumo",
    platform="shopify",
    shop_ref="lumo-demo.myshopify.com",
    api_base_url=None,
    secrets=Secrets(webhook=("shpss_test",), access_token="shpat_test"),
    policy=Policy.SPLIT,
    label_source=LabelSource.CARRIER,
    ship_by_days=3,
    domestic_countries=frozenset({"US"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
)


def delivered(body: bytes) -> Mapping[str, str]:
    digest = hmac.new(ACCOUNT.secrets.webhook[0].encode(), body, hashlib.sha256).digest()
    return {
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        "x-shopify-shop-domain": ACCOUNT.shop_ref,
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }


def _with(**changes: Any) -> bytes:
    return json.dumps({**json.loads(ORDER), **changes}).encode()


def with_title(title: str) -> bytes:
    first, *others = json.loads(ORDER)["line_items"]
    return _with(line_items=[{**first, "title": title}, *others])


def with_price(currency: str, amount: str) -> bytes:
    first, *others = json.loads(ORDER)["line_items"]
    return _with(currency=currency, line_items=[{**first, "price": amount}, *others])


def changed_at(moment: datetime) -> bytes:
    return _with(updated_at=moment.isoformat())


NEVER_SHIPPED = {
    "a test order": _with(test=True),
    "unpaid": _with(financial_status="pending"),
    "cancelled": _with(cancelled_at="2026-02-12T05:00:00Z"),
    "given back": _with(financial_status="refunded"),
}
