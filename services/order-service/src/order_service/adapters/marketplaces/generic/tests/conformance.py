"""A seller's own shop in the conformance suite."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from order_service.adapters.marketplaces.generic.signing import sign
from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.ports import Account, Secrets

SAMPLES = Path(__file__).parent / "samples"
ORDER = (SAMPLES / "order.json").read_bytes()
NOTICE = ORDER
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
#: The shop is the seller's own: nothing is hidden from them.
MASKED = None

ACCOUNT = Account(
    merchant_id="default",
    account="mine",
    platform="generic",
    shop_ref="shop.example",
    api_base_url=None,
    secrets=Secrets(webhook=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)),
    policy=Policy.SPLIT,
    label_source=LabelSource.CARRIER,
    ship_by_days=3,
    domestic_countries=frozenset({"FR"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
)


def delivered(body: bytes) -> Mapping[str, str]:
    now = int(time.time())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(ACCOUNT.secrets.webhook, "msg_1", now, body),
    }


def _with(**changes: Any) -> bytes:
    return json.dumps({**json.loads(ORDER), **changes}).encode()


def with_title(title: str) -> bytes:
    first, *others = json.loads(ORDER)["lines"]
    return _with(lines=[{**first, "title": title}, *others])


def with_price(currency: str, amount: str) -> bytes:
    first, *_ = json.loads(ORDER)["lines"]
    line = {**first, "unit_price": amount, "discount": "0", "tax": "0"}
    return _with(currency=currency, lines=[line], totals={"grand_total": amount})


def changed_at(moment: datetime) -> bytes:
    return _with(updated_at=moment.isoformat())


NEVER_SHIPPED = {
    "a test order": _with(test=True),
    "unpaid": _with(payment="pending"),
    "authorised only": _with(payment="authorized"),
    "held by the shop": _with(status="on_hold"),
    "cancelled": _with(status="cancelled"),
    "given back": _with(payment="refunded"),
}
