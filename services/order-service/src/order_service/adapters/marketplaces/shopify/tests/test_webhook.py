"""The signature, against the vector Shopify's scheme was written down with."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from order_service.adapters.marketplaces.shopify.webhook import verify
from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.marketplace import NotAuthentic
from order_service.use_cases.ports import Account, Secrets

SECRET = "shpss_example_7d1f0c93ab"
BODY = (
    '{"id":6120045566771,"name":"#1042","currency":"USD","total_price":"73.03","note":"café ☕ 你好"}'
).encode()
SIGNATURE = "Mf0ebMBbPz1+XrmPZqV2jAXNM3uGnUeP85aMu8VnSyc="
HEADERS = {
    "x-shopify-hmac-sha256": SIGNATURE,
    "x-shopify-shop-domain": "lumo.myshopify.com",
    "x-shopify-webhook-id": "w-1",
    "x-shopify-topic": "orders/create",
    "cookie": "not kept",
}


def an_account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "merchant_id": "default",
        "account": "lumo",
        "platform": "shopify",
        "shop_ref": "Lumo.myshopify.com",
        "api_base_url": None,
        "secrets": Secrets(webhook=(SECRET,)),
        "policy": Policy.SPLIT,
        "label_source": LabelSource.CARRIER,
        "ship_by_days": 3,
        "domestic_countries": frozenset(),
        "may_write": True,
        "incoterm": None,
        "unpaid_hours": 48,
        "active": True,
    }
    return Account(**{**values, **changes})


def test_the_published_vector_is_genuine_and_only_the_envelope_is_kept() -> None:
    delivery = verify(an_account(), HEADERS, BODY)

    assert (delivery.dedupe_key, delivery.topic) == ("w-1", "orders/create")
    assert "cookie" not in delivery.headers
    assert SIGNATURE not in delivery.headers.values()


def test_a_delivery_without_an_id_is_known_by_its_body() -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "x-shopify-webhook-id"}

    assert verify(an_account(), headers, BODY).dedupe_key == f"sha256:{hashlib.sha256(BODY).hexdigest()}"


@pytest.mark.parametrize("secrets", [("new", SECRET), (SECRET, "old")])
def test_either_secret_of_a_rotation_is_good(secrets: tuple[str, ...]) -> None:
    assert verify(an_account(secrets=Secrets(webhook=secrets)), HEADERS, BODY).dedupe_key == "w-1"


@pytest.mark.parametrize(
    ("account", "headers", "body"),
    [
        (an_account(), HEADERS, BODY + b" "),
        (an_account(), {**HEADERS, "x-shopify-hmac-sha256": ""}, BODY),
        (an_account(), {**HEADERS, "x-shopify-hmac-sha256": "é"}, BODY),
        (an_account(), {**HEADERS, "x-shopify-hmac-sha256": SIGNATURE.lower()}, BODY),
        (an_account(), {**HEADERS, "x-shopify-shop-domain": "evil.myshopify.com"}, BODY),
        (an_account(secrets=Secrets(webhook=("wrong",))), HEADERS, BODY),
        (an_account(secrets=Secrets(webhook=())), HEADERS, BODY),
        (an_account(active=False), HEADERS, BODY),
        (an_account(), {}, BODY),
    ],
)
def test_everything_else_is_refused(account: Account, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        verify(account, headers, body)


def test_a_signature_in_hexadecimal_is_not_shopifys() -> None:
    hexadecimal = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert base64.b64encode(bytes.fromhex(hexadecimal)).decode() == SIGNATURE

    with pytest.raises(NotAuthentic):
        verify(an_account(), {**HEADERS, "x-shopify-hmac-sha256": hexadecimal}, BODY)
