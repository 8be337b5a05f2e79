"""TikTok Shop in the conformance suite."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.ports import Account, Secrets

SAMPLES = Path(__file__).parent / "samples"
ORDER = (SAMPLES / "order.json").read_bytes()
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
SHOP = "7495000000000000123"
APP_KEY, APP_SECRET = "6examplekey", "tt0example1secret2tt3example4secret5abcd"

ACCOUNT = Account(
    merchant_id="default",
    account="lumo-uk",
    platform="tiktok_shop",
    shop_ref=SHOP,
    api_base_url=None,
    secrets=Secrets(webhook=(APP_SECRET,)),
    policy=Policy.SPLIT,
    label_source=LabelSource.CARRIER,
    ship_by_days=3,
    domestic_countries=frozenset({"GB"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
    options={"app_key": APP_KEY},
)


def a_notice(
    *, written_at: float | None = None, kind: int = 1, data: Mapping[str, Any] | None = None, **changes: Any
) -> bytes:
    """A notice of a change of status, or of what `kind` and `data` say."""
    said = {
        "is_on_hold_order": False,
        "order_id": "576912233445566771",
        "order_status": "AWAITING_SHIPMENT",
        "update_time": 1771327990,
    }
    notice = {
        "type": kind,
        "tts_notification_id": "7607000000000000101",
        "shop_id": SHOP,
        "timestamp": int(time.time() if written_at is None else written_at),
        "data": said if data is None else data,
        **changes,
    }
    return json.dumps(notice, separators=(",", ":")).encode()


NOTICE = a_notice()


def delivered(body: bytes) -> Mapping[str, str]:
    digest = hmac.new(APP_SECRET.encode(), APP_KEY.encode() + body, hashlib.sha256).hexdigest()
    return {"authorization": digest}


def an_order(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(json.loads(ORDER)), **changes}


def _with(**changes: Any) -> bytes:
    return json.dumps(an_order(**changes)).encode()


def with_title(title: str) -> bytes:
    first, *others = an_order()["line_items"]
    return _with(line_items=[{**first, "product_name": title}, *others])


def with_price(currency: str, amount: str) -> bytes:
    first = {**an_order()["line_items"][0], "original_price": amount, "seller_discount": "0"}
    return _with(line_items=[first], payment={**an_order()["payment"], "currency": currency})


def changed_at(moment: datetime) -> bytes:
    return _with(update_time=int(moment.timestamp()))


NEVER_SHIPPED = {
    "unpaid": _with(status="UNPAID", paid_time=None),
    "on hold": _with(status="ON_HOLD"),
    "on hold, whatever its status": _with(is_on_hold_order=True),
    "cancelled": _with(status="CANCELLED"),
    "cancelled, in the words of a notice": _with(status="CANCEL"),
    "sent by TikTok": _with(fulfillment_type="FULFILLMENT_BY_TIKTOK"),
    "sent by somebody we do not know": _with(fulfillment_type="FULFILLMENT_BY_MOON"),
    "in a state we do not know": _with(status="TELEPORTING"),
}
MASKED = _with(recipient_address={**an_order()["recipient_address"], "name": "I*** H***"})
