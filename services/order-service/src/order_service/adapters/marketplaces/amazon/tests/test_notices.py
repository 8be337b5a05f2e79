"""Notices from the queue: whose they are, and what is made of them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from order_service.adapters.marketplaces.amazon.mapping import read
from order_service.adapters.marketplaces.amazon.notices import verify
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Delivery, NotAuthentic, Pointer

from .conformance import ACCOUNT, NOTICE


def a_notice(*, summary: dict[str, Any] | None = None, metadata: Any = None, **changes: Any) -> bytes:
    notice = json.loads(NOTICE)
    said = notice["Payload"]["OrderChangeNotification"]
    said["Summary"].update(summary or {})
    notice["NotificationMetadata"].update(metadata or {})
    said.update({key: value for key, value in changes.items() if key in said})
    notice.update({key: value for key, value in changes.items() if key in notice})
    return json.dumps(notice).encode()


def test_a_notice_is_known_by_its_id() -> None:
    assert verify(ACCOUNT, {}, NOTICE) == Delivery("d0e9e693-c3ad-4373-979f-ed4ec98dd746", "ORDER_CHANGE", {})


@pytest.mark.parametrize(
    "body",
    [
        a_notice(SellerId="A2SOMEBODY"),
        a_notice(SellerId=""),
        a_notice(metadata={"ApplicationId": "amzn1.sellerapps.app.another"}),
        a_notice(NotificationType="FEED_PROCESSING_FINISHED"),
        a_notice(AmazonOrderId="../../orders"),
        b"{}",
        b"\xff",
        b"[" * 100_000,
    ],
    ids=["seller", "no seller", "application", "type", "id", "empty", "no text", "deep"],
)
def test_a_notice_that_is_not_meant_for_us_is_refused(body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        verify(ACCOUNT, {}, body)


def test_nothing_is_taken_for_an_account_that_is_off_or_knows_no_application() -> None:
    for account in (replace(ACCOUNT, active=False), replace(ACCOUNT, options={})):
        with pytest.raises(NotAuthentic):
            verify(account, {}, a_notice(metadata={"ApplicationId": ""}))


def test_a_notice_names_an_order_that_is_asked_for_whatever_else_it_says() -> None:
    pending = a_notice(summary={"OrderStatus": "Pending"})

    assert [read("ORDER_CHANGE", one) for one in (NOTICE, pending)] == [Pointer("113-4455667-8899001")] * 2


def test_what_amazons_own_warehouse_sends_is_not_asked_for() -> None:
    assert read("ORDER_CHANGE", a_notice(summary={"FulfillmentType": "AFN"})) is None


def test_a_broken_notice_is_said_by_field() -> None:
    with pytest.raises(NotAnOrder, match="Payload: missing"):
        read("ORDER_CHANGE", b"{}")
