"""Stock by item and model, and cancels, against a server that checks them and keeps books."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    StockNumber,
)

from .shop import NUMBER, NoLimit, Shop, a_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with a_shop(tmp_path) as shop:
        yield shop


async def tell(shop: Shop, **numbers: int) -> dict[str, str]:
    telling = shop.marketplace.stock
    assert telling is not None
    teller = telling.open_teller(shop.account(), NoLimit())
    return dict(await teller.tell_stock([StockNumber(*one) for one in numbers.items()]))


async def stock(shop: Shop) -> dict[str, int | None]:
    return {row["sku"]: row["stock"] for row in await shop.rows("models")}


async def test_items_and_models_are_set_by_their_skus_an_item_in_a_call(shop: Shop) -> None:
    await shop.sells("CABLE", 1)
    await shop.sells("TEE_S", 2, 21)
    await shop.sells("TEE_M", 2, 22)
    await shop.sells("TEE_M_OLD", 3)

    refused = await tell(shop, CABLE=7, TEE_S=0, TEE_M=3)

    assert refused == {}
    assert await stock(shop) == {"CABLE": 7, "TEE_S": 0, "TEE_M": 3, "TEE_M_OLD": None}
    assert await shop.calls("product.update_stock") == 2


async def test_a_partial_failure_under_an_empty_error_is_seen_and_stops_no_other(shop: Shop) -> None:
    await shop.sells("TEE_S", 2, 21, locked=True)
    await shop.sells("TEE_M", 2, 22)

    refused = await tell(shop, TEE_S=1, TEE_M=3, GHOST=4)

    assert refused == {"TEE_S": "model_is_locked", "GHOST": "sku_not_found"}
    assert (await stock(shop))["TEE_M"] == 3


async def test_what_is_refused_as_a_whole_is_refused_for_its_item_alone(shop: Shop) -> None:
    await shop.sells("CABLE", 1)
    await shop.sells("STAND", 2)
    await shop.misbehave({"operation": "product.update_stock", "mode": "refuse", "match": '"item_id":1'})

    assert await tell(shop, CABLE=7, STAND=3) == {"CABLE": "error_permission"}
    assert (await stock(shop))["STAND"] == 3


async def test_a_sku_on_two_items_is_set_on_both(shop: Shop) -> None:
    await shop.sells("CABLE", 1)
    await shop.sells("CABLE", 2)

    await tell(shop, CABLE=5)

    assert [row["stock"] for row in await shop.rows("models")] == [5, 5]


async def test_a_shop_with_more_places_is_told_which(shop: Shop) -> None:
    await shop.install(locations=["CNSZX01", "BRSPO01"])
    await shop.sells("CABLE", 1)
    without = await tell(shop, CABLE=5)
    shop.options = {"location_id": "BRSPO01"}

    assert without == {"CABLE": "location_invalid"}
    assert await tell(shop, CABLE=5) == {}
    assert [row["location_id"] for row in await shop.rows("models")] == ["BRSPO01"]


async def test_a_lost_answer_is_an_unknown_outcome_and_safe_to_repeat(shop: Shop) -> None:
    await shop.sells("CABLE", 1)
    await shop.misbehave({"operation": "product.update_stock", "mode": "do_then_drop_connection"})

    with pytest.raises(MarketplaceOutcomeUnknown):
        await tell(shop, CABLE=7)
    await tell(shop, CABLE=6)

    assert await stock(shop) == {"CABLE": 6}


async def test_an_order_is_cancelled_once(shop: Shop) -> None:
    references = [await shop.open("open_canceller").cancel(NUMBER, "out_of_stock") for _ in range(2)]

    assert references == [NUMBER, NUMBER]
    assert [(one["way"], one["reason"]) for one in await shop.rows("cancels")] == [
        ("cancel_order", "OUT_OF_STOCK")
    ]


async def test_a_cancel_whose_answer_was_lost_is_not_made_again(shop: Shop) -> None:
    await shop.misbehave({"operation": "order.cancel", "mode": "do_then_drop_connection"})
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.open("open_canceller").cancel(NUMBER, "out_of_stock")

    await shop.open("open_canceller").cancel(NUMBER, "out_of_stock")

    assert await shop.calls("order.cancel") == 1


async def test_a_buyer_who_asks_for_a_cancel_is_agreed_with(shop: Shop) -> None:
    await shop.put_order(order_status="IN_CANCEL")

    await shop.open("open_canceller").cancel(NUMBER, "merchant")

    assert [one["way"] for one in await shop.rows("cancels")] == ["handle_buyer_cancellation"]


@pytest.mark.parametrize("reason", ["risk", "unpaid", "merchant"])
async def test_a_reason_that_shopee_does_not_know_is_for_a_person(shop: Shop, reason: str) -> None:
    with pytest.raises(MarketplaceRefused, match=f"shopee_knows_no_reason_like_{reason}"):
        await shop.open("open_canceller").cancel(NUMBER, reason)
    assert await shop.rows("cancels") == []


@pytest.mark.parametrize("status", ["SHIPPED", "COMPLETED"])
async def test_an_order_that_was_sent_is_not_cancelled(shop: Shop, status: str) -> None:
    await shop.put_order(order_status=status)

    with pytest.raises(MarketplaceRefused, match="order_was_sent"):
        await shop.open("open_canceller").cancel(NUMBER, "out_of_stock")
