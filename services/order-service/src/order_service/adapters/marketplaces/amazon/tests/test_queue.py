"""The queue's calls: signed as AWS wants it, and what comes of them."""

from typing import Any

import pytest

from order_service.adapters.marketplaces.amazon.mapping import read
from order_service.adapters.marketplaces.amazon.notices import verify
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceUnavailable, Pointer

from .world import ORDER_ID, SELLER, Seller


async def write(seller: Seller, **notice: Any) -> None:
    await seller.control("POST", f"sellers/{SELLER}/notices", {"order_id": ORDER_ID, **notice})


async def test_a_notice_is_received_understood_and_taken_off(seller: Seller) -> None:
    await write(seller)

    (notice,) = await seller.queue().receive()
    delivery = verify(seller.account, notice.headers, notice.body)
    await seller.queue().remove([notice.handle])

    assert read(delivery.topic, notice.body) == Pointer(ORDER_ID)
    assert [one["deleted"] for one in await seller.rows("notices")] == [1]


async def test_what_was_received_is_nobody_elses_for_a_while_and_not_gone(seller: Seller) -> None:
    await write(seller)

    found = [len(await seller.queue().receive()) for _ in range(2)]

    assert found == [1, 0]
    assert [one["deleted"] for one in await seller.rows("notices")] == [0]


async def test_more_than_ten_are_taken_off_ten_by_ten_and_twice_is_once(seller: Seller) -> None:
    await write(seller, copies=12)
    handles = [one.handle for _ in range(2) for one in await seller.queue().receive()]

    for _ in range(2):
        await seller.queue().remove(handles)

    assert {one["deleted"] for one in await seller.rows("notices")} == {1}
    assert len(handles) == 12


async def test_a_notice_that_the_queue_keeps_is_said(seller: Seller) -> None:
    with pytest.raises(MarketplaceUnavailable, match="ReceiptHandleIsInvalid"):
        await seller.queue().remove(["made up"])


async def test_a_wrong_key_and_a_wrong_region_are_refused(seller: Seller) -> None:
    whole = seller.account
    seller.with_secrets(aws_secret_access_key="another")
    with pytest.raises(MarketplaceRefused, match="SignatureDoesNotMatch"):
        await seller.queue().receive()

    seller.account = whole
    seller.with_options(queue_region="eu-west-1")
    with pytest.raises(MarketplaceRefused, match="SignatureDoesNotMatch"):
        await seller.queue().receive()


async def test_another_queue_and_an_account_without_keys_are_refused(seller: Seller) -> None:
    whole = seller.account
    seller.with_options(queue_url=seller.sandbox.queue_url("ANOTHER"))
    with pytest.raises(MarketplaceRefused, match="QueueDoesNotExist"):
        await seller.queue().receive()

    seller.account = whole
    seller.with_secrets(aws_secret_access_key="")
    with pytest.raises(MarketplaceRefused, match="account_has_no_keys"):
        await seller.queue().receive()


@pytest.mark.parametrize("mode", ["throttle", "error_500", "do_then_drop_connection"])
async def test_a_queue_that_does_not_answer_well_is_asked_again(seller: Seller, mode: str) -> None:
    await seller.misbehave(operation="ReceiveMessage", mode=mode)

    with pytest.raises(MarketplaceUnavailable):
        await seller.queue().receive()
