"""Labels, stock, cancels and tokens against the sandbox."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_service.use_cases.marketplace import (
    LabelWish,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    NotReadyYet,
    StockNumber,
)
from order_service.use_cases.ports import Tokens

from .a_shop import ID, LANYARD, RING, Shop
from .conformance import SHOP, an_order

PACKAGE = "1153001122334455"
ALL = LabelWish(ID, "parcel-1", {RING: 2, LANYARD: 1}, 700)


# -- labels


async def tiktok_ships(shop: Shop, **changes: Any) -> None:
    await shop.put_order(shipping_type="TIKTOK", **changes)


async def test_a_package_is_arranged_and_its_label_downloaded(shop: Shop) -> None:
    await tiktok_ships(shop)

    label = await shop.opened("open_issuer").issue_label(ALL)

    assert (label.carrier, label.service, label.tracking_number) == (
        "Evri",
        "Standard shipping",
        f"H{PACKAGE}",
    )
    assert label.media_type == "application/pdf"
    assert label.content.startswith(b"%PDF")
    assert await shop.books("packages", "id", "way") == [(PACKAGE, "DROP_OFF")]


async def test_a_label_asked_for_again_is_the_same_one(shop: Shop) -> None:
    await tiktok_ships(shop)
    account = shop.account(options={**shop.account().options, "handover_method": "PICKUP"})
    issuer = shop.opened("open_issuer", account)

    assert await issuer.issue_label(ALL) == await issuer.issue_label(ALL)
    assert await shop.books("packages", "way") == ["PICKUP"]


async def test_a_label_that_is_being_made_is_waited_for(shop: Shop) -> None:
    await shop.install(labels_wait=True)
    await tiktok_ships(shop)
    for _ in range(2):
        with pytest.raises(NotReadyYet):
            await shop.opened("open_issuer").issue_label(ALL)

    await shop.control("POST", f"shops/{SHOP}/orders/{ID}/labels")
    label = await shop.opened("open_issuer").issue_label(ALL)

    assert label.tracking_number == f"H{PACKAGE}"
    assert (await shop.books("calls", "operation")).count("package.ship") == 1


async def test_a_shipment_without_an_answer_is_unknown_and_asking_again_finds_it(shop: Shop) -> None:
    await tiktok_ships(shop)
    await shop.misbehave(operation="package.ship", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.opened("open_issuer").issue_label(ALL)

    assert (await shop.opened("open_issuer").issue_label(ALL)).tracking_number == f"H{PACKAGE}"
    assert len(await shop.books("packages", "id")) == 1


async def test_a_document_that_cannot_be_had_is_asked_for_again(shop: Shop) -> None:
    await tiktok_ships(shop)
    await shop.misbehave(operation="package.document", mode="error_500", times=2)

    with pytest.raises(MarketplaceUnavailable):
        await shop.opened("open_issuer").issue_label(ALL)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shipping_type": "SELLER"}, "seller_issues_the_label"),
        ({"shipping_type": "TIKTOK", "status": "ON_HOLD"}, "order_on_hold"),
        ({"shipping_type": "TIKTOK", "status": "CANCELLED"}, "order_cancelled"),
    ],
)
async def test_a_label_that_must_not_be_made_is_refused(
    shop: Shop, changes: Mapping[str, Any], code: str
) -> None:
    await shop.put_order(**changes)

    with pytest.raises(MarketplaceRefused, match=code):
        await shop.opened("open_issuer").issue_label(ALL)

    assert await shop.books("packages", "id") == []


async def test_units_that_are_no_package_of_theirs_are_for_a_person_to_see(shop: Shop) -> None:
    await tiktok_ships(shop)

    with pytest.raises(MarketplaceRefused, match="units_are_not_one_package_there"):
        await shop.opened("open_issuer").issue_label(replace(ALL, units={RING: 1}))


async def test_two_packages_alike_are_never_taken_for_each_other(shop: Shop) -> None:
    units = an_order()["line_items"][:2]
    await tiktok_ships(shop, line_items=[{**one, "package_id": str(n)} for n, one in enumerate(units, 1)])

    with pytest.raises(MarketplaceRefused, match="several_packages_have_these_units"):
        await shop.opened("open_issuer").issue_label(replace(ALL, units={RING: 1}))


# -- stock

RINGS = StockNumber("CN-RING-BK", 41)
LANYARDS = StockNumber("CN-LANYARD", 0)


def a_sku(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "seller_sku": name, **more}


async def told(shop: Shop, *numbers: StockNumber, **options: str) -> Mapping[str, str]:
    account = shop.account(options={**shop.account().options, **options})
    stock = shop.platform.stock
    assert stock is not None
    return await stock.open_teller(account, shop.meter).tell_stock(numbers)


async def quantities(shop: Shop) -> list[Any]:
    return await shop.books("skus", "product_id", "seller_sku", "quantity")


async def test_numbers_are_set_on_every_product_that_has_the_sku(shop: Shop) -> None:
    await shop.put_product("11", a_sku(1, "CN-RING-BK"), a_sku(2, "CN-RING-WH"))
    await shop.put_product("12", a_sku(3, "CN-LANYARD"))
    await shop.put_product("13", a_sku(4, "CN-RING-BK"))

    assert await told(shop, RINGS, LANYARDS) == {}
    assert sorted(await quantities(shop)) == [
        ("11", "CN-RING-BK", 41),
        ("11", "CN-RING-WH", None),
        ("12", "CN-LANYARD", 0),
        ("13", "CN-RING-BK", 41),
    ]


async def test_what_is_refused_is_said_and_the_rest_is_set(shop: Shop) -> None:
    await shop.put_product("11", a_sku(1, "CN-RING-BK", locked=True), a_sku(3, "CN-LANYARD"))

    problems = await told(shop, RINGS, LANYARDS, StockNumber("GONE", 1))

    assert problems == {"CN-RING-BK": "tiktok_12052700", "GONE": "sku_not_found"}
    assert ("11", "CN-LANYARD", 0) in await quantities(shop)


async def test_a_product_that_is_refused_costs_only_its_own_skus(shop: Shop) -> None:
    await shop.put_product("11", a_sku(1, "CN-RING-BK"))
    await shop.put_product("12", a_sku(3, "CN-LANYARD"))
    await shop.misbehave(operation="stock.update", mode="refuse", match="/products/11/")

    assert await told(shop, RINGS, LANYARDS) == {"CN-RING-BK": "tiktok_21001001"}
    assert ("12", "CN-LANYARD", 0) in await quantities(shop)


async def test_the_warehouse_has_to_be_chosen_where_there_are_two(shop: Shop) -> None:
    await shop.put_product("11", a_sku(1, "CN-RING-BK", warehouses=["71", "72"]))

    unchosen = await told(shop, RINGS)
    chosen = await told(shop, RINGS, warehouse_id="72")

    assert (unchosen, chosen) == ({"CN-RING-BK": "warehouse_not_chosen"}, {})
    assert await shop.books("skus", "warehouse_id", "quantity") == [("71", None), ("72", 41)]


async def test_a_number_without_an_answer_is_told_again(shop: Shop) -> None:
    await shop.put_product("11", a_sku(1, "CN-RING-BK"))
    await shop.misbehave(operation="stock.update", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await told(shop, RINGS)

    assert await told(shop, replace(RINGS, units=40)) == {}
    assert await quantities(shop) == [("11", "CN-RING-BK", 40)]


# -- cancels


@pytest.mark.parametrize(
    ("status", "reason", "key"),
    [
        ("AWAITING_SHIPMENT", "out_of_stock", "seller_cancel_reason_out_of_stock"),
        ("AWAITING_SHIPMENT", "risk", "seller_cancel_reason_out_of_stock"),
        ("AWAITING_SHIPMENT", "merchant", "seller_cancel_reason_out_of_stock"),
        ("UNPAID", "unpaid", "seller_cancel_unpaid_reason_out_of_stock"),
    ],
)
async def test_a_cancel_is_told_once_with_their_reason(
    shop: Shop, status: str, reason: str, key: str
) -> None:
    await shop.put_order(status=status)

    for _ in range(2):
        assert await shop.opened("open_canceller").cancel(ID, reason) == ID

    assert await shop.books("cancellations", "reason", "status") == [(key, "CANCELLATION_REQUEST_COMPLETE")]
    assert (await shop.order())["status"] == "CANCELLED"


async def test_a_cancel_that_is_under_way_is_waited_for_and_not_repeated(shop: Shop) -> None:
    await shop.install(cancels_wait=True)
    for _ in range(2):
        with pytest.raises(NotReadyYet):
            await shop.opened("open_canceller").cancel(ID, "risk")

    await shop.control("POST", f"shops/{SHOP}/orders/{ID}/cancel")

    assert await shop.opened("open_canceller").cancel(ID, "risk") == ID
    assert (await shop.books("calls", "operation")).count("order.cancel") == 1


async def test_a_cancel_without_an_answer_is_unknown_and_looked_for(shop: Shop) -> None:
    await shop.misbehave(operation="order.cancel", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.opened("open_canceller").cancel(ID, "risk")

    assert await shop.opened("open_canceller").cancel(ID, "risk") == ID
    assert len(await shop.books("cancellations", "id")) == 1


async def test_what_was_sent_is_not_cancelled(shop: Shop) -> None:
    first, *others = an_order()["line_items"]
    sent = {**first, "tracking_number": "YT1", "display_status": "AWAITING_COLLECTION"}
    await shop.put_order(status="PARTIALLY_SHIPPING", line_items=[sent, *others])

    with pytest.raises(MarketplaceRefused, match="order_was_sent"):
        await shop.opened("open_canceller").cancel(ID, "risk")


# -- tokens


async def test_a_pair_is_bought_whose_expiry_is_a_moment(shop: Shop) -> None:
    tokens: Tokens = await shop.opened("open_refresher").refresh()

    assert timedelta(days=6) < tokens.expires_at - datetime.now(UTC) <= timedelta(days=7)
    assert tokens.refresh_expires_at is not None
    assert tokens.refresh_expires_at.timestamp() > time.time()
    assert await shop.opened("open_gateway", shop.account(tokens=tokens)).fetch_order(ID)


async def test_a_refresh_token_is_good_for_one_time(shop: Shop) -> None:
    await shop.opened("open_refresher").refresh()

    with pytest.raises(MarketplaceRefused, match="tiktok_36004004"):
        await shop.opened("open_refresher").refresh()


@pytest.mark.parametrize("tokens", [Tokens("TTP_1", datetime(2026, 2, 17, tzinfo=UTC)), None])
async def test_who_has_no_refresh_token_needs_a_person(shop: Shop, tokens: Tokens | None) -> None:
    with pytest.raises(MarketplaceRefused, match="account_has_no_refresh_token"):
        await shop.opened("open_refresher", shop.account(tokens=tokens)).refresh()


async def test_a_refresh_that_was_throttled_has_bought_nothing(shop: Shop) -> None:
    await shop.misbehave(operation="token.refresh", mode="throttle")
    with pytest.raises(MarketplaceUnavailable):
        await shop.opened("open_refresher").refresh()

    assert (await shop.opened("open_refresher").refresh()).refresh_token != "TTR_1"
