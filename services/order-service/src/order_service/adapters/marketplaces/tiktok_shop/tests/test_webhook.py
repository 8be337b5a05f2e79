"""The signature, against the vector the scheme was written down with, and the age of what is signed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from order_service.adapters.marketplaces.tiktok_shop.webhook import verify
from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account, Secrets

from .conformance import ACCOUNT, APP_SECRET, a_notice, delivered

BODY = (
    b'{"type":1,"tts_notification_id":"7607000000000000101","shop_id":"7495000000000000123",'
    b'"timestamp":1771327991,"data":{"is_on_hold_order":false,"order_id":"576912233445566771",'
    b'"order_status":"AWAITING_SHIPMENT","update_time":1771327990}}'
)
SIGNATURE = "6b520613efbfa549bd9b7e9cd221da16b871f59039b02bf77ac203764f934257"
WRITTEN = 1771327991
HOUR = 3600.0


def at(moment: float) -> Callable[[], float]:
    return lambda: moment


def verified(
    body: bytes = BODY,
    signature: str = SIGNATURE,
    *,
    account: Account = ACCOUNT,
    now: float = WRITTEN + 1,
) -> Delivery:
    return verify(account, {"authorization": signature}, body, oldest_s=72 * HOUR, now=at(now))


def test_the_published_vector_is_genuine_and_known_by_its_notification_id() -> None:
    delivery = verified()

    assert (delivery.dedupe_key, delivery.topic) == ("7607000000000000101", "1")
    assert delivery.headers == {}


@pytest.mark.parametrize("secrets", [("new", APP_SECRET), (APP_SECRET, "old")])
def test_either_secret_of_a_rotation_is_good(secrets: tuple[str, ...]) -> None:
    assert verified(account=replace(ACCOUNT, secrets=Secrets(webhook=secrets))).topic == "1"


def test_a_notice_is_taken_as_long_as_tiktok_may_repeat_it() -> None:
    assert verified(now=WRITTEN + 72 * HOUR).topic == "1"


def test_an_older_body_was_recorded_by_somebody() -> None:
    with pytest.raises(NotAuthentic):
        verified(now=WRITTEN + 72 * HOUR + 1)


@pytest.mark.parametrize(
    "given",
    [
        {"body": BODY + b" "},
        {"body": BODY.replace(b"1771327991", b"1771999999")},
        {"signature": SIGNATURE.upper()},
        {"signature": f"Bearer {SIGNATURE}"},
        {"signature": ""},
        {"signature": "é"},
        {"account": replace(ACCOUNT, options={"app_key": "6otherkey"})},
        {"account": replace(ACCOUNT, options={})},
        {"account": replace(ACCOUNT, secrets=Secrets(webhook=("wrong",)))},
        {"account": replace(ACCOUNT, secrets=Secrets())},
        {"account": replace(ACCOUNT, shop_ref="7495000000000000124")},
        {"account": replace(ACCOUNT, active=False)},
    ],
)
def test_everything_else_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(NotAuthentic):
        verified(**given)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        a_notice(tts_notification_id=""),
        a_notice(tts_notification_id=None),
        a_notice(written_at=-1),
        a_notice(timestamp=10**30),
        a_notice(shop_id=None),
    ],
)
def test_what_is_signed_and_no_notice_is_refused(body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        verified(body, delivered(body)["authorization"], now=0)
