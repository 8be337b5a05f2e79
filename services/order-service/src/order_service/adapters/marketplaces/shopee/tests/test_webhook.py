"""Pushes: proven on their raw bytes and the configured URL, by either key."""

import json
from dataclasses import replace
from typing import Any

import pytest

from order_service.adapters.marketplaces.shopee.client import sign
from order_service.adapters.marketplaces.shopee.mapping import Senders, read
from order_service.adapters.marketplaces.shopee.webhook import verify
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import NotAuthentic
from order_service.use_cases.ports import Account, Secrets

from .conformance import ACCOUNT, NOTICE, PARTNER_KEY, signed

# Computed with invented keys, and checked with a second tool: they prove the arithmetic of the scheme.
VECTOR_KEY = "livepushkey-EXAMPLE-9f8e7d"
VECTOR_URL = "https://hooks.crossdock.example/webhooks/shopee"
VECTOR = "c31d740f154516b9ad5a7a20ee0a013eef05d313da4ba821e68f4186778b85c6"
API_KEY = "shpk-EXAMPLE-0123456789abcdef"


def a_push(**changes: Any) -> bytes:
    return json.dumps({**json.loads(NOTICE), **changes}).encode()


def by_vector() -> Account:
    return replace(
        ACCOUNT,
        options={**ACCOUNT.options, "callback_url": VECTOR_URL},
        secrets=Secrets(webhook=(VECTOR_KEY,)),
    )


def test_the_published_push_signature_is_good() -> None:
    delivery = verify(by_vector(), {"authorization": VECTOR}, NOTICE)

    assert delivery is not None
    assert delivery.topic == "push.3"
    assert delivery.dedupe_key == "770011223:260214EXMPL7K2:READY_TO_SHIP:1771040012"


def test_the_published_signatures_of_calls_are_ours() -> None:
    path, now = "/api/v2/order/get_order_detail", 1771040020
    of_shop = sign(API_KEY, 2001887, path, now, "exampleAccessToken0011", 770011223)

    assert of_shop == "5c785769de0ad2dfe2abe730225430a264b1e1bb3e10d7155427c47dd6d6cd59"
    assert (
        sign(API_KEY, 2001887, "/api/v2/auth/token/get", now)
        == "3ea95db269734a8d2476ced5213cdd2da6edea6dceba8e07062f9c4d8a1076c5"
    )


def test_a_push_may_be_signed_with_the_partner_key() -> None:
    assert verify(ACCOUNT, signed(NOTICE, key=PARTNER_KEY), NOTICE) is not None


@pytest.mark.parametrize(
    "url", ["https://hooks.crossdock.example/webhooks/shopee/lumo-br/", "http://127.0.0.1/"]
)
def test_another_url_is_another_signature(url: str) -> None:
    with pytest.raises(NotAuthentic):
        verify(ACCOUNT, signed(NOTICE, url=url), NOTICE)


def test_an_empty_key_proves_nothing() -> None:
    account = replace(ACCOUNT, secrets=Secrets(webhook=("",), named={"partner_key": ""}))

    with pytest.raises(NotAuthentic):
        verify(account, signed(NOTICE, key=""), NOTICE)


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b'{"code":{}}', b'{"code":3,"data":{"update_time":-1}}']
)
def test_a_genuine_push_that_cannot_be_read_is_kept_for_a_person(body: bytes) -> None:
    delivery = verify(ACCOUNT, signed(body), body)

    assert delivery is not None
    with pytest.raises(NotAnOrder):
        read(delivery.topic, body, Senders())


@pytest.mark.parametrize("body", [b"{}", b'{"code":0,"data":null}', b'{"code":0,"data":"","timestamp":1}'])
def test_a_genuine_push_that_names_no_shop_is_only_answered(body: bytes) -> None:
    assert verify(ACCOUNT, signed(body), body) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":3,"shopid":770011223,"data":{"order_sn":"A","status":"UNPAID","update_time":7}}',
        b'{"code":3,"data":{"shop_id":770011223,"ordersn":"A","status":"UNPAID","update_time":7}}',
    ],
)
def test_shop_and_order_are_found_under_all_their_names(body: bytes) -> None:
    delivery = verify(ACCOUNT, signed(body), body)

    assert delivery is not None
    assert delivery.dedupe_key == "770011223:A:UNPAID:7"


def test_the_same_word_sent_again_later_is_the_same() -> None:
    later = a_push(timestamp=1771040313)

    first, second = verify(ACCOUNT, signed(NOTICE), NOTICE), verify(ACCOUNT, signed(later), later)

    assert first == second


def test_pushes_of_other_kinds_are_told_apart_by_all_they_say() -> None:
    bodies = [a_push(code=4, timestamp=one) for one in (1, 2)]

    keys = {one.dedupe_key for body in bodies if (one := verify(ACCOUNT, signed(body), body))}

    assert len(keys) == 2
