"""WooCommerce in the conformance suite."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.ports import Account, Secrets

SAMPLES = Path(__file__).parent / "samples"
ORDER = (SAMPLES / "order.json").read_bytes()
NOTICE = ORDER
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
MASKED = json.dumps(
    {**json.loads(ORDER), "shipping": {**json.loads(ORDER)["shipping"], "first_name": "J***"}}
).encode()

ACCOUNT = Account(
    merchant_id="default",
    account="lumo-au",
    platform="woocommerce",
    shop_ref="lumo-demo.example",
    api_base_url=None,
    secrets=Secrets(webhook=("wh-secret",), access_token="ck_1:cs_1"),
    policy=Policy.SPLIT,
    label_source=LabelSource.CARRIER,
    ship_by_days=3,
    domestic_countries=frozenset({"AU"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
)


def delivered(body: bytes) -> Mapping[str, str]:
    digest = hmac.new(ACCOUNT.secrets.webhook[0].encode(), body, hashlib.sha256).digest()
    return {
        "x-wc-webhook-source": f"https://{ACCOUNT.shop_ref}/",
        "x-wc-webhook-topic": "order.created",
        "x-wc-webhook-signature": base64.b64encode(digest).decode(),
    }


def _with(**changes: Any) -> bytes:
    return json.dumps({**json.loads(ORDER), **changes}).encode()


def with_title(title: str) -> bytes:
    first, *others = json.loads(ORDER)["line_items"]
    return _with(line_items=[{**first, "name": title}, *others])


def with_price(currency: str, amount: str) -> bytes:
    first = {**json.loads(ORDER)["line_items"][0], "quantity": 1, "subtotal": amount, "total": amount}
    return _with(currency=currency, line_items=[first])


def changed_at(moment: datetime) -> bytes:
    return _with(date_modified_gmt=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))


NEVER_SHIPPED = {
    "unpaid": _with(status="pending", date_paid_gmt=None),
    "on hold": _with(status="on-hold", date_paid_gmt=None),
    "failed": _with(status="failed", date_paid_gmt=None),
    "cancelled": _with(status="cancelled"),
    "given back": _with(status="refunded"),
    "a draft": _with(status="checkout-draft", date_paid_gmt=None),
}
