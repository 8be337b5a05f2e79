"""Cancels of ours, told to a site that keeps books."""

import pytest

from order_service.use_cases.marketplace import MarketplaceOutcomeUnknown, MarketplaceRefused

from .test_client import FIRST, Shop
from .test_client import shop as shop  # noqa: PLC0414 - a fixture


async def test_an_order_is_cancelled_there_and_twice_is_once(shop: Shop) -> None:
    first = await shop.gateway().cancel("9117", "out_of_stock")
    again = await shop.gateway().cancel("9117", "out_of_stock")

    assert (first, again) == ("9117", "9117")
    assert await shop.status() == "cancelled"


async def test_a_cancel_whose_answer_was_lost_is_found(shop: Shop) -> None:
    await shop.misbehave(operation="order.update", mode="do_then_drop_connection", times=2)

    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway().cancel("9117", "merchant")

    assert await shop.gateway().cancel("9117", "merchant") == "9117"


async def test_an_order_of_which_something_was_sent_is_not_cancelled(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)

    with pytest.raises(MarketplaceRefused, match="order_was_sent"):
        await shop.gateway().cancel("9117", "merchant")

    assert await shop.status() == "processing"
