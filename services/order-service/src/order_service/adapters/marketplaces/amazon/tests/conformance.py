"""Amazon in the conformance suite."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.ports import Account, Secrets

SAMPLES = Path(__file__).parent / "samples"
ORDER = (SAMPLES / "order.json").read_bytes()
NOTICE = (SAMPLES / "notice.json").read_bytes()
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
#: Amazon withholds what it hides; it puts nothing in its place.
MASKED = None

ACCOUNT = Account(
    merchant_id="default",
    account="lumo-us",
    platform="amazon",
    shop_ref="A2LUMOSELLER01",
    api_base_url=None,
    secrets=Secrets(
        named={
            "lwa_client_secret": "amzn1.oa2-cs.v1.0",
            "lwa_refresh_token": "Atzr|refresh",
            "aws_access_key_id": "AKIDEXAMPLE",
            "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        }
    ),
    policy=Policy.SPLIT,
    label_source=LabelSource.CARRIER,
    ship_by_days=3,
    domestic_countries=frozenset({"US"}),
    may_write=True,
    incoterm=None,
    unpaid_hours=48,
    active=True,
    options={
        "region": "na",
        "marketplace_ids": "ATVPDKIKX0DER",
        "application_id": "amzn1.sellerapps.app.0f0e",
        "queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/lumo-orders",
        "queue_region": "us-east-1",
        "lwa_client_id": "amzn1.application-oa2-client.1",
    },
)


def delivered(_: bytes) -> Mapping[str, str]:
    return {}


def _with(**changes: Any) -> bytes:
    return json.dumps({"order": {**json.loads(ORDER)["order"], **changes}}).encode()


def _item(**changes: Any) -> dict[str, Any]:
    return {**json.loads(ORDER)["order"]["orderItems"][0], **changes}


def with_title(title: str) -> bytes:
    return _with(orderItems=[_item(product={**_item()["product"], "title": title})])


def with_price(currency: str, amount: str) -> bytes:
    price = {"amount": amount, "currencyCode": currency}
    product = {**_item()["product"], "price": {"unitPrice": price}}
    proceeds = {"proceedsTotal": price, "breakdowns": [{"type": "ITEM", "subtotal": price}]}
    item = _item(quantityOrdered=1, product=product, proceeds=proceeds)
    return _with(proceeds={"grandTotal": price}, orderItems=[item])


def changed_at(moment: datetime) -> bytes:
    return _with(lastUpdatedTime=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _fulfillment(**changes: str) -> bytes:
    return _with(fulfillment={**json.loads(ORDER)["order"]["fulfillment"], **changes})


NEVER_SHIPPED = {
    "sent by Amazon": _fulfillment(fulfilledBy="AMAZON"),
    "pending": _fulfillment(fulfillmentStatus="PENDING"),
    "not released yet": _fulfillment(fulfillmentStatus="PENDING_AVAILABILITY"),
    "cannot be fulfilled": _fulfillment(fulfillmentStatus="UNFULFILLABLE"),
    "in a status nobody knows": _fulfillment(fulfillmentStatus="ON_ITS_HEAD"),
    "sent by somebody else": _fulfillment(fulfilledBy="PARTNER"),
    "cancelled": _fulfillment(fulfillmentStatus="CANCELLED"),
}
