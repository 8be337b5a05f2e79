"""Cancels of ours, told to a site that keeps books."""

from decimal import Decimal
from typing import Any

import pytest

from order_service.adapters.marketplaces.woocommerce.cancelling import WooCommerceCanceller
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceRefusedInPart,
)

from .test_client import FIRST, Shop
from .test_client import shop as shop  # noqa: PLC0414 - a fixture


def canceller(shop: Shop, *, refund: bool = False) -> WooCommerceCanceller:
    return WooCommerceCanceller(shop.gateway(), refund=refund)


async def refunded(shop: Shop) -> list[Decimal]:
    order: dict[str, Any] = (await shop.control("GET", "shops/lumo/orders/9117")).json()
    return [Decimal(one["total"]) for one in order["refunds"]]


async def test_an_order_is_cancelled_there_and_twice_is_once(shop: Shop) -> None:
    first = await canceller(shop).cancel("9117", "out_of_stock")
    again = await canceller(shop).cancel("9117", "out_of_stock")

    assert (first, again) == ("9117", "9117")
    assert await shop.status() == "cancelled"


async def test_a_cancel_whose_answer_was_lost_is_found(shop: Shop) -> None:
    await shop.misbehave(operation="order.update", mode="do_then_drop_connection", times=2)

    with pytest.raises(MarketplaceOutcomeUnknown):
        await canceller(shop).cancel("9117", "merchant")

    assert await canceller(shop).cancel("9117", "merchant") == "9117"


async def test_an_order_of_which_something_was_sent_is_not_cancelled(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)

    with pytest.raises(MarketplaceRefused, match="order_was_sent"):
        await canceller(shop, refund=True).cancel("9117", "merchant")

    assert (await shop.status(), await refunded(shop)) == ("processing", [])


async def test_no_money_moves_unless_the_account_wants_it(shop: Shop) -> None:
    await canceller(shop).cancel("9117", "merchant")

    assert await refunded(shop) == []


async def test_what_is_left_of_a_payment_goes_back_once_even_if_the_answer_is_lost(shop: Shop) -> None:
    await shop.control("POST", "shops/lumo/orders/9117/refunds", {"amount": "5.95"})
    await shop.misbehave(operation="refund.create", mode="do_then_drop_connection", times=1)

    with pytest.raises(MarketplaceOutcomeUnknown):
        await canceller(shop, refund=True).cancel("9117", "merchant")
    await canceller(shop, refund=True).cancel("9117", "merchant")

    assert await refunded(shop) == [Decimal("-5.95"), Decimal("-60.00")]


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"date_paid_gmt": None}, "cancelled"), ({"status": "refunded"}, "refunded")],
    ids=["never paid", "refunded by hand"],
)
async def test_who_has_not_paid_or_has_the_money_back_gets_none(
    shop: Shop, changes: dict[str, Any], status: str
) -> None:
    await shop.put_order(**changes)

    await canceller(shop, refund=True).cancel("9117", "unpaid")

    assert (await shop.status(), await refunded(shop)) == (status, [])


async def test_a_refund_that_the_payment_gateway_refuses_is_told_and_the_cancel_stays(shop: Shop) -> None:
    await shop.put_order(payment_method="bacs")

    with pytest.raises(MarketplaceRefusedInPart, match="refund: woocommerce_rest_cannot_create_order_refund"):
        await canceller(shop, refund=True).cancel("9117", "merchant")

    assert (await shop.status(), await refunded(shop)) == ("cancelled", [])
