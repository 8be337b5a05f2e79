"""The signature, against the vectors WooCommerce's scheme was written down with."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from order_service.adapters.marketplaces.woocommerce.webhook import verify
from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account, Secrets

SECRET = "wh-example-secret-71"
BODY = (
    rb'{"id":9117,"number":"9117","status":"processing","currency":"AUD","total":"65.95",'
    rb'"customer_note":"caf\u00e9 \u2615",'
    rb'"payment_url":"https:\/\/lumo-demo.example\/checkout\/order-pay\/9117\/"}'
)
SIGNATURE = "BxbMkiLmWlMXdK2KinS3iR2e7RpLIfuCmGDSvetUQHw="
HEADERS = {
    "x-wc-webhook-signature": SIGNATURE,
    "x-wc-webhook-source": "https://lumo-demo.example/",
    "x-wc-webhook-topic": "order.updated",
    "x-wc-webhook-resource": "order",
    "x-wc-webhook-event": "updated",
    "x-wc-webhook-id": "12",
    "x-wc-webhook-delivery-id": "d-1",
    "content-type": "application/json",
    "cookie": "not kept",
}
PING = {"content-type": "application/x-www-form-urlencoded", "user-agent": "WooCommerce/10.4.3 Hookshot"}


def an_account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "merchant_id": "default",
        "account": "lumo",
        "platform": "woocommerce",
        "shop_ref": "Lumo-Demo.example",
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


def verified(account: Account, headers: dict[str, str], body: bytes) -> Delivery:
    delivery = verify(account, headers, body)
    assert delivery is not None
    return delivery


def test_the_published_vector_is_genuine_and_only_the_envelope_is_kept() -> None:
    delivery = verified(an_account(), HEADERS, BODY)

    assert delivery.topic == "order.updated"
    assert "cookie" not in delivery.headers
    assert SIGNATURE not in delivery.headers.values()


def test_a_secret_signs_as_wordpress_decodes_it() -> None:
    account = an_account(secrets=Secrets(webhook=("north&amp;south-71",)))
    headers = {**HEADERS, "x-wc-webhook-signature": "kNpQ4QQyXvT8ZGwh6lPsCnbdyFxUiHEN7DzlIQjwVSw="}

    assert verified(account, headers, BODY).topic == "order.updated"


@pytest.mark.parametrize(
    ("stored", "effective"),
    [
        ("a&lt;b&gt;c&quot;d&#039;e", "a<b>c\"d'e"),
        ("&amp;lt;", "&lt;"),
        ("&eacute;", "&eacute;"),
    ],
)
def test_the_five_entities_are_decoded_once_and_no_others(stored: str, effective: str) -> None:
    digest = hmac.new(effective.encode(), BODY, hashlib.sha256).digest()
    headers = {**HEADERS, "x-wc-webhook-signature": base64.b64encode(digest).decode()}

    assert verified(an_account(secrets=Secrets(webhook=(stored,))), headers, BODY).topic == "order.updated"


def test_orders_of_one_second_share_a_delivery_id_and_are_two_deliveries() -> None:
    other = BODY.replace(b"9117", b"9118")
    digest = hmac.new(SECRET.encode(), other, hashlib.sha256).digest()
    headers = {**HEADERS, "x-wc-webhook-signature": base64.b64encode(digest).decode()}

    first, second = verified(an_account(), HEADERS, BODY), verified(an_account(), headers, other)

    assert first.headers["x-wc-webhook-delivery-id"] == second.headers["x-wc-webhook-delivery-id"]
    assert first.dedupe_key != second.dedupe_key


def test_the_same_word_under_a_new_delivery_id_is_one_delivery() -> None:
    again = {**HEADERS, "x-wc-webhook-delivery-id": "d-2"}

    assert verified(an_account(), HEADERS, BODY).dedupe_key == verified(an_account(), again, BODY).dedupe_key


@pytest.mark.parametrize("secrets", [("new", SECRET), (SECRET, "old")])
def test_either_secret_of_a_rotation_is_good(secrets: tuple[str, ...]) -> None:
    assert verified(an_account(secrets=Secrets(webhook=secrets)), HEADERS, BODY).topic == "order.updated"


@pytest.mark.parametrize(
    ("shop_ref", "source"),
    [
        ("example.com/shop", "https://example.com/shop/"),
        ("example.com", "http://example.com/"),
        ("Example.com", "https://EXAMPLE.com/"),
    ],
)
def test_a_site_is_the_same_whatever_its_scheme_slash_and_capitals(shop_ref: str, source: str) -> None:
    headers = {**HEADERS, "x-wc-webhook-source": source}

    assert verified(an_account(shop_ref=shop_ref), headers, BODY).topic == "order.updated"


@pytest.mark.parametrize(
    ("account", "headers", "body"),
    [
        (an_account(), HEADERS, BODY + b" "),
        (an_account(), HEADERS, BODY.replace(rb"\/", b"/")),
        (an_account(), {**HEADERS, "x-wc-webhook-signature": ""}, BODY),
        (an_account(), {**HEADERS, "x-wc-webhook-signature": "é"}, BODY),
        (an_account(), {**HEADERS, "x-wc-webhook-signature": SIGNATURE.lower()}, BODY),
        (an_account(), {**HEADERS, "x-wc-webhook-source": "https://evil.example/"}, BODY),
        (an_account(secrets=Secrets(webhook=("wrong",))), HEADERS, BODY),
        (an_account(secrets=Secrets(webhook=())), HEADERS, BODY),
        (an_account(active=False), HEADERS, BODY),
        (an_account(), {}, BODY),
        (an_account(), {}, b""),
    ],
)
def test_everything_else_is_refused(account: Account, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        verify(account, headers, body)


def test_the_ping_of_a_new_webhook_is_answered_and_carries_nothing() -> None:
    assert verify(an_account(), PING, b"webhook_id=12") is None


@pytest.mark.parametrize(
    ("account", "headers", "body"),
    [
        (an_account(), PING, b"webhook_id=12&more=1"),
        (an_account(), PING, b"webhook_id="),
        (an_account(), {**PING, "content-type": "application/json"}, b"webhook_id=12"),
        (an_account(), {**PING, "x-wc-webhook-topic": "order.updated"}, b"webhook_id=12"),
        (an_account(active=False), PING, b"webhook_id=12"),
    ],
)
def test_what_only_resembles_a_ping_is_refused(
    account: Account, headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(NotAuthentic):
        verify(account, headers, body)
