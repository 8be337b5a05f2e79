"""Labels that Shopee issues, step by step, against a server that keeps books of every step."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from order_service.use_cases.marketplace import (
    IssuedLabel,
    LabelWish,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    NotReadyYet,
)

from .conformance import ORDER
from .shop import ALL, CABLE, NUMBER, PACKAGE, STAND, Shop, a_shop

#: Long enough for a call to come before it, on a busy machine.
WAIT_S = 1.0
WISH = LabelWish(NUMBER, "parcel-1", ALL, 420)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with a_shop(tmp_path) as shop:
        yield shop


async def issue(shop: Shop, wish: LabelWish = WISH) -> IssuedLabel:
    label: IssuedLabel = await shop.open("open_issuer").issue_label(wish)
    return label


async def made(shop: Shop) -> list[int]:
    """How often a shipment was arranged and a document made."""
    return [await shop.calls("logistics.ship"), await shop.calls("document.create")]


async def test_a_label_is_arranged_made_and_downloaded(shop: Shop) -> None:
    label = await issue(shop)

    (package,) = await shop.rows("packages")
    assert label.tracking_number == package["tracking_number"]
    assert (label.carrier, label.service) == ("Shopee Xpress CB", "Padrão Internacional")
    assert (label.media_type, label.content[:4]) == ("application/pdf", b"%PDF")
    assert (package["handover"], package["document_type"]) == ("pickup", "NORMAL_AIR_WAYBILL")
    assert (await shop.rows("orders"))[0]["order_status"] == "PROCESSED"


async def test_the_same_label_twice_is_arranged_and_made_once(shop: Shop) -> None:
    assert await issue(shop) == await issue(shop)
    assert await made(shop) == [1, 1]


async def test_number_and_document_are_waited_for_and_asked_for_once(tmp_path: Path) -> None:
    async with a_shop(tmp_path, number_delay_s=WAIT_S, document_delay_s=WAIT_S) as shop:
        for reason in ("shopee gives the number later", "the document is being made"):
            with pytest.raises(NotReadyYet, match=reason) as waiting:
                await issue(shop)
            assert waiting.value.retry_after_s == 15
            await asyncio.sleep(WAIT_S + 0.1)

        assert (await issue(shop)).content
        assert await made(shop) == [1, 1]


@pytest.mark.parametrize("operation", ["logistics.ship", "document.create"])
async def test_a_step_whose_answer_was_lost_is_not_done_again(shop: Shop, operation: str) -> None:
    await shop.misbehave({"operation": operation, "mode": "do_then_drop_connection"})
    with pytest.raises(MarketplaceOutcomeUnknown):
        await issue(shop)

    await issue(shop)

    assert await made(shop) == [1, 1]


@pytest.mark.parametrize(
    ("options", "offered", "handover"),
    [
        ({}, ["pickup", "dropoff"], "pickup"),
        ({"handover": "dropoff"}, ["pickup", "dropoff"], "dropoff"),
        ({}, ["dropoff"], "dropoff"),
        ({"pickup_address_id": "2826"}, ["pickup"], "pickup"),
    ],
)
async def test_a_package_is_handed_over_as_the_account_chose(
    shop: Shop, options: dict[str, str], offered: list[str], handover: str
) -> None:
    await shop.install(handover=offered)
    shop.options = options

    await issue(shop)

    assert [one["handover"] for one in await shop.rows("packages")] == [handover]


@pytest.mark.parametrize(
    ("options", "offered", "code"),
    [
        ({"handover": "dropoff"}, ["pickup"], "no_dropoff_for_this_package"),
        ({"pickup_address_id": "1"}, ["pickup"], "pickup_address_not_chosen"),
        ({}, ["non_integrated"], "shopee_wants_our_number"),
        ({}, [], "no_handover_for_this_package"),
    ],
)
async def test_what_cannot_be_handed_over_so_is_for_a_person(
    shop: Shop, options: dict[str, str], offered: list[str], code: str
) -> None:
    await shop.install(handover=offered)
    shop.options = options

    with pytest.raises(MarketplaceRefused, match=code):
        await issue(shop)
    assert await made(shop) == [0, 0]


async def test_a_split_order_has_a_label_for_each_of_its_packages(shop: Shop) -> None:
    first, second = json.loads(ORDER)["package_list"][0]["item_list"]
    packages: list[dict[str, Any]] = [
        {"package_number": "P-STAND", "item_list": [first]},
        {"package_number": "P-CABLE", "item_list": [second]},
    ]
    await shop.put_order(package_list=packages)

    labels = [await issue(shop, LabelWish(NUMBER, one, {one: n}, 1)) for one, n in ((STAND, 2), (CABLE, 1))]

    assert len({label.tracking_number for label in labels}) == 2
    arranged = {one["package_number"] for one in await shop.rows("packages") if one["tracking_number"]}
    assert arranged == {"P-STAND", "P-CABLE"}


async def test_packages_that_cannot_be_told_apart_are_for_a_person(shop: Shop) -> None:
    first = json.loads(ORDER)["package_list"][0]["item_list"][0]
    alike = [{"package_number": one, "item_list": [first]} for one in ("P-1", "P-2")]
    await shop.put_order(package_list=alike)

    with pytest.raises(MarketplaceRefused, match="packages_are_alike"):
        await issue(shop, LabelWish(NUMBER, "p", {STAND: 2}, 1))


async def test_units_that_no_package_holds_are_for_a_person(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="parcel_is_no_package"):
        await issue(shop, LabelWish(NUMBER, "p", {STAND: 1}, 1))


@pytest.mark.parametrize("changes", [{"order_status": "PENDING"}, {"pending_terms": ["KYC_PENDING"]}])
async def test_what_shopee_keeps_back_waits(shop: Shop, changes: dict[str, Any]) -> None:
    await shop.put_order(**changes)

    with pytest.raises(NotReadyYet):
        await issue(shop)
    assert await made(shop) == [0, 0]


@pytest.mark.parametrize("status", ["CANCELLED", "IN_CANCEL", "UNPAID", "SHIPPED"])
async def test_no_shipment_is_arranged_for_an_order_that_is_not_to_be_sent(shop: Shop, status: str) -> None:
    await shop.put_order(order_status=status)

    with pytest.raises(MarketplaceRefused, match=f"order_is_{status.lower()}"):
        await issue(shop)
    assert await made(shop) == [0, 0]


async def test_a_label_is_not_fetched_once_the_buyer_asks_for_a_cancel(shop: Shop) -> None:
    await issue(shop)
    await shop.put_order(order_status="IN_CANCEL")

    with pytest.raises(MarketplaceRefused, match="order_is_in_cancel"):
        await issue(shop)


async def test_a_document_that_failed_is_made_anew_for_who_asks_again(shop: Shop) -> None:
    await shop.control("PUT", f"packages/{PACKAGE}", {"document_fails": True})
    with pytest.raises(MarketplaceRefused, match="document_failed"):
        await issue(shop)
    await shop.control("PUT", f"packages/{PACKAGE}", {"document_fails": False})

    assert (await issue(shop)).content


async def test_a_refusal_instead_of_a_file_is_no_label(shop: Shop) -> None:
    await shop.misbehave({"operation": "document.download", "mode": "refuse"})

    with pytest.raises(MarketplaceRefused, match="error_permission"):
        await issue(shop)
    assert (await issue(shop)).content
