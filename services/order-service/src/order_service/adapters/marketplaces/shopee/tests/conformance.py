"""Shopee in the conformance suite."""

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
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
NOTICE = (
    b'{"data":{"items":[],"ordersn":"260214EXMPL7K2","status":"READY_TO_SHIP","completed_scenario":"",'
    b'"update_time":1771040012},"shop_id":770011223,"code":3,"timestamp":1771040013}'
)
CALLBACK_URL = "https://hooks.crossdock.example/webhooks/shopee/lumo-br"
PUSH_KEY, PARTNER_KEY = "push-key-of-the-console", "partner-key-of-the-app"

ACCOUNT = Account(
    merchant_id="default",
    account="lumo-br",
    platform="shopee",
    shop_ref="770011223",
    api_base_url=None,
    secrets=Secrets(webhook=(PUSH_KEY,), named={"partner_key": PARTNER_KEY}),
    policy=Policy.ALL_OR_NOTHING,
    label_source=LabelSource.MARKETPLACE,
    ship_by_days=3,
    domestic_countries=frozenset({"BR"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
    options={"callback_url": CALLBACK_URL, "partner_id": "2001887"},
)


def signed(body: bytes, *, key: str = PUSH_KEY, url: str = CALLBACK_URL) -> Mapping[str, str]:
    digest = hmac.new(key.encode(), url.encode() + b"|" + body, hashlib.sha256)
    return {"authorization": digest.hexdigest()}


delivered = signed


def changed(**changes: Any) -> bytes:
    """The recorded order with other values at its top level."""
    return json.dumps({**json.loads(ORDER), **changes}).encode()


def first_item(**changes: Any) -> dict[str, Any]:
    return {**json.loads(ORDER)["item_list"][0], **changes}


def with_title(title: str) -> bytes:
    return changed(item_list=[first_item(item_name=title)])


def with_price(currency: str, amount: str) -> bytes:
    price = float(amount)
    item = first_item(model_quantity_purchased=1, model_original_price=price, model_discounted_price=price)
    return changed(currency=currency, item_list=[item])


def changed_at(moment: datetime) -> bytes:
    return changed(update_time=int(moment.timestamp()))


NEVER_SHIPPED = {
    "unpaid": changed(order_status="UNPAID", pay_time=0),
    "kept back by Shopee": changed(pending_terms=["SYSTEM_PENDING"]),
    "the buyer asks for a cancel": changed(order_status="IN_CANCEL"),
    "cancelled": changed(order_status="CANCELLED"),
    "sent by Shopee": changed(fulfillment_flag="fulfilled_by_shopee"),
    "sent by whom we do not know": changed(fulfillment_flag="fulfilled_by_somebody"),
    "a status we do not know": changed(order_status="INVOICE_PENDING"),
    "sent already": changed(order_status="SHIPPED"),
}
MASKED = changed(
    recipient_address={**json.loads(ORDER)["recipient_address"], "name": "C****a", "phone": "******42"}
)
