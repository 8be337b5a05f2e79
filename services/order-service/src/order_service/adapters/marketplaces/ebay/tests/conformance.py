"""eBay in the conformance suite."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.ebay.app import EbayOptions, running_ebay
from crossdock_sandbox.ebay.notices import sign
from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.ports import Account, Secrets

SAMPLES = Path(__file__).parent / "samples"
ORDER = (SAMPLES / "order.json").read_bytes()
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
MASKED = None
NAMES_SHOP = False

KEY_ID = "0f3c1c8e-7c39-4a3f-9f6e-2f1b7d9a5c10"
_KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE_KEY = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

ACCOUNT = Account(
    merchant_id="default",
    account="lumo-us",
    platform="ebay",
    shop_ref="lumo_direct_cn",
    api_base_url=None,
    secrets=Secrets(webhook=("a-verification-token-of-at-least-32",), named={"client_secret": "PRD-secret"}),
    policy=Policy.SPLIT,
    label_source=LabelSource.CARRIER,
    ship_by_days=3,
    domestic_countries=frozenset({"US"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
    options={"client_id": "Lumo-PRD", "endpoint": "https://hooks.example/webhooks/ebay/lumo-us"},
)


def a_notice(topic: str, data: Mapping[str, Any], notification_id: str = "n-1") -> bytes:
    said = {
        "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
        "notification": {"notificationId": notification_id, "publishAttemptCount": 1, "data": data},
    }
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


NOTICE = a_notice(
    "ORDER_CONFIRMATION", {"order": {"orderId": "12-14455-66778", "orderLineItems": []}, "note": "Größe L"}
)


def delivered(body: bytes) -> Mapping[str, str]:
    return {"x-ebay-signature": sign(PRIVATE_KEY, KEY_ID, body)}


@asynccontextmanager
async def answering(files: Path) -> AsyncIterator[str]:
    """eBay, which knows the key that `delivered` signs with, and ACCOUNT's application."""
    options = EbayOptions(signing_key=(KEY_ID, PRIVATE_KEY))
    async with running_ebay(files, options=options) as sandbox:
        seller = {
            "shop": ACCOUNT.shop_ref,
            "client_id": ACCOUNT.options["client_id"],
            "client_secret": ACCOUNT.secrets.named["client_secret"],
            "refresh_token": "r",
            "verification_token": ACCOUNT.secrets.webhook[0],
            "endpoint": ACCOUNT.options["endpoint"],
        }
        async with open_http_client("conformance") as http:
            (await http.post(f"{sandbox.base_url}/_sandbox/shops", json=seller)).raise_for_status()
        yield sandbox.base_url


def _with(**changes: Any) -> bytes:
    return json.dumps({**json.loads(ORDER), **changes}).encode()


def with_title(title: str) -> bytes:
    first, *others = json.loads(ORDER)["lineItems"]
    return _with(lineItems=[{**first, "title": title}, *others])


def with_price(currency: str, amount: str) -> bytes:
    cost = {"value": amount, "currency": currency}
    first = deepcopy(json.loads(ORDER)["lineItems"][0])
    line = {**first, "quantity": 1, "lineItemCost": cost, "ebayCollectAndRemitTaxes": []}
    return _with(pricingSummary={"priceSubtotal": cost, "total": cost}, lineItems=[line])


def changed_at(moment: datetime) -> bytes:
    return _with(lastModifiedDate=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))


NEVER_SHIPPED = {
    "not paid yet": _with(orderPaymentStatus="PENDING"),
    "not paid after all": _with(orderPaymentStatus="FAILED"),
    "given back": _with(orderPaymentStatus="FULLY_REFUNDED"),
    "a status that is new to us": _with(orderPaymentStatus="SOMETHING_NEW"),
    "cancelled": _with(cancelStatus={"cancelState": "CANCELED", "cancelRequests": []}),
}
