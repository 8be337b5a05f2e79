"""TikTok Shop from its notice to the number that it is told: a running service, its jobs and the sandbox."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import order_service
from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.tiktok_shop.app import TikTokShopSandbox, running_tiktok_shop
from order_service.api.app import build_app
from order_service.domain.order import LabelSource, Order
from order_service.messaging import HANDLERS
from order_service.messaging.asking import Asking
from order_service.messaging.jobs import MarketplaceJobs
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, OrderRef, Secrets, Tokens

from .samples import Inventory, Shipping, an_account
from .test_jobs import eventually
from .test_journeys import column, connect, published, say
from .trade_side import ACCOUNT, CARTS, TradedShop

SHOP, ID = "7495000000000000123", "576912233445566771"
APP_KEY, APP_SECRET = "6examplekey", "tt0example1secret2tt3example4secret5abcd"
SKUS = ("CN-RING-BK", "CN-LANYARD")
_SAMPLE = (
    Path(order_service.__file__).parent / "adapters/marketplaces/tiktok_shop/tests/samples/order.json"
).read_text()


def a_shop(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "platform": "tiktok_shop",
        "shop_ref": SHOP,
        "secrets": Secrets(webhook=(APP_SECRET,)),
        "options": {"app_key": APP_KEY},
        "domestic_countries": frozenset({"GB"}),
    }
    return an_account(**{**values, **changes})


class Site:
    """A shop in the sandbox that posts to a running order-service, and is called back by its jobs."""

    def __init__(
        self,
        sandbox: TikTokShopSandbox,
        service: str,
        database: OrderDatabase,
        marketplaces: Mapping[str, Marketplace],
    ) -> None:
        self._sandbox = sandbox
        self._service = service
        self._database = database
        self._handlers = {
            **MarketplaceJobs(database, marketplaces, Retention()).handlers(),
            **ObligationJobs(database, marketplaces).handlers(),
        }
        self.asking = Asking(database, marketplaces)

    async def connect(self, **changes: Any) -> None:
        """The account with its first tokens, and our app in the shop."""
        account = a_shop(api_base_url=self._sandbox.base_url, **changes)
        await connect(self._database, account, skus=SKUS)
        async with self._database.transaction() as tx:
            tokens = Tokens("TTP_1", datetime.now(UTC) + timedelta(days=7), "TTR_1")
            await tx.tokens.give(await tx.accounts.get("default", "lumo"), tokens)
        given = {
            "shop": SHOP,
            "app_key": APP_KEY,
            "app_secret": APP_SECRET,
            "shop_cipher": "ROW_exampleCipher",
            "access_token": "TTP_1",
            "refresh_token": "TTR_1",
            "webhook_url": f"{self._service}/webhooks/tiktok_shop/lumo",
        }
        await self.control("POST", "shops", given)

    async def trade(self, client: httpx.AsyncClient) -> TradedShop:
        """A shop where anybody can buy, connected by order-service's API."""
        shop = TradedShop("tiktok_shop", self._sandbox.base_url, client, self._database)
        await shop.open(f"{self._service}/webhooks/tiktok_shop/{ACCOUNT}")
        return shop

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._sandbox.base_url}/_sandbox/{path}"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, url, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def put_order(self, **changes: Any) -> None:
        body = {**deepcopy(json.loads(_SAMPLE)), "update_time": int(time.time()) - 600, **changes}
        await self.control("PUT", f"shops/{SHOP}/orders/{ID}", body)

    async def tell(self, **notice: Any) -> None:
        """Send a notice about the order, and wait until it is answered for good."""
        await self.control("POST", f"shops/{SHOP}/deliveries", {"order_id": ID, **notice})
        await self.told()

    async def told(self) -> None:
        async def settled() -> bool:
            return bool((await self.control("GET", "deliveries"))["pending"] == 0)

        await eventually(settled)

    async def work(self) -> None:
        """Do the jobs there are."""
        runner = JobRunner(self._database, self._handlers, [Destination("tiktok_shop")])
        task = asyncio.create_task(runner.run())

        async def settled() -> bool:
            return set(await column(self._database, "select state from job")) <= {"done", "refused"}

        await eventually(settled)
        await runner.stop()
        await task

    async def books(self, table: str, name: str) -> list[Any]:
        return [row[name] for row in (await self.control("GET", f"books/{table}"))["rows"]]

    async def order(self) -> Order:
        async with self._database.transaction() as tx:
            found = await tx.orders.lock_external([OrderRef("tiktok_shop", SHOP, ID)])
        (order,) = found.values()
        return order

    async def states(self) -> list[Any]:
        return await column(self._database, "select state from inbound_message order by message_id")


@pytest.fixture
async def site(
    tmp_path: Path, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> AsyncIterator[Site]:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    async with serving(app, listening_socket(0)) as service, running_tiktok_shop(tmp_path) as sandbox:
        yield Site(sandbox, service, database, marketplaces)


async def reserved(site: Site, database: OrderDatabase) -> StockReservedV1:
    stock = Inventory(await site.order()).reserves()
    await say(database, stock)
    return stock


async def test_a_notice_brings_an_order_whose_parcel_becomes_a_package_there(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()
    await site.put_order()
    await site.tell(copies=2)
    await site.work()
    imported = (await site.order()).status

    stock, shipping, parcel_id = await reserved(site, database), Shipping(await site.order()), new_id()
    await say(
        database,
        shipping.parcel(ParcelLabelledV1, stock.allocations, parcel_id=parcel_id),
        shipping.parcel(ParcelShippedV1, stock.allocations, parcel_id=parcel_id),
    )
    await site.work()
    await site.tell()
    await site.work()

    (reference,) = await column(database, "select confirmed_ref from obligation where state = 'confirmed'")
    assert imported == "open"
    assert await site.books("packages", "id") == [reference]
    assert [len(units) for units in await site.books("packages", "units")] == [3]
    assert ((await site.order()).status, (await site.order()).process.holds) == ("closed", {})
    assert await site.states() == ["imported", "imported"]


async def test_calls_go_on_with_the_next_token_when_one_has_run_out(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()
    await site.put_order()
    await site.control("POST", f"shops/{SHOP}/tokens/expire")

    await site.tell()
    await site.work()

    assert (await site.order()).status == "open"
    assert (await site.books("calls", "operation")).count("token.refresh") == 1


async def test_an_order_on_hold_is_not_sent_until_it_is_free(site: Site, database: OrderDatabase) -> None:
    await site.connect()
    await site.put_order(status="ON_HOLD")
    await site.tell()
    await site.work()
    held = set((await site.order()).process.holds)

    await site.put_order()
    await site.tell()
    await site.work()

    assert held == {"platform"}
    assert (await site.order()).status == "open"


async def test_a_cancel_there_is_a_wish_here(site: Site, database: OrderDatabase) -> None:
    await site.connect()
    await site.put_order()
    await site.tell()
    await site.work()

    await site.put_order(status="CANCELLED", cancel_reason="changed mind")
    await site.tell()
    await site.work()

    assert (await site.order()).status == "cancelling"
    assert [topic for topic, _ in await published(database)] == ["order.created", "order.cancelled"]


async def test_what_tiktok_sends_itself_and_what_is_no_order_are_ignored(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()
    await site.put_order(fulfillment_type="FULFILLMENT_BY_TIKTOK")
    await site.tell()
    await site.tell(type=5, data={"product_id": "1"})
    await site.work()

    assert await site.states() == ["ignored", "ignored"]
    assert await column(database, "select count(*) from orders") == [0]


@pytest.mark.parametrize("notice", [{"signature": "bad"}, {"written_at": 1771327991}])
async def test_a_notice_that_is_forged_or_old_is_refused_each_time(
    site: Site, notice: dict[str, Any]
) -> None:
    await site.connect()
    await site.put_order()
    await site.tell(**notice)

    assert await site.states() == []
    assert set(await site.books("attempts", "status")) == {401}


async def test_an_order_whose_notice_was_lost_is_found_by_asking(site: Site, database: OrderDatabase) -> None:
    await site.connect()
    await site.put_order()

    await site.asking.ask()
    await site.work()

    assert (await site.order()).status == "open"


async def test_a_label_of_tiktoks_reaches_shipping(site: Site, database: OrderDatabase) -> None:
    await site.connect(label_source=LabelSource.MARKETPLACE)
    await site.put_order(shipping_type="TIKTOK")
    await site.tell()
    await site.work()
    stock, order = await reserved(site, database), await site.order()

    await say(database, Shipping(order).asks_for_label(stock.allocations, parcel_id=new_id()))
    await site.work()
    await site.tell()
    await site.work()

    (label,) = [said for topic, said in await published(database) if topic == "order.label_provided"]
    assert await site.books("packages", "tracking_number") == [label["tracking_number"]]
    assert base64.b64decode(label["label"]["content_base64"]).startswith(b"%PDF")
    assert (await site.order()).status == "open"


async def test_what_is_bought_on_the_trades_side_is_imported_changed_and_labelled(
    site: Site, database: OrderDatabase, client: httpx.AsyncClient
) -> None:
    shop = await site.trade(client)
    for number in CARTS:
        await shop.buy(number)
    await site.told()
    await site.work()
    imported = await shop.statuses()

    await shop.change("J-1", "cancelled")
    await shop.change("E-2", "paid")
    await site.told()
    await shop.ask_for_label("E-1")
    await site.work()
    await shop.change("E-1", "cancelled")  # too late

    assert imported == ["open", "open", "held"]
    assert await shop.statuses() == ["open", "cancelling", "open"]
    lines = (("MUG", 2, 1450), ("TEE", 1, 2990))
    assert await shop.bought("E-1") == ("EUR", lines, 6380)
    assert await shop.bought("J-1") == ("JPY", lines, 6380)
    assert await shop.consignee("E-1") == (
        "Änne Müller",
        ("Leopoldstraße 7", "3. Stock"),
        "München",
        None,
        "DE",
    )
    assert await shop.consignee("J-1") == ("花子 山田", ("神南1-2-3",), "渋谷区", "東京都", "JP")
    (label,) = [said for topic, said in await published(database) if topic == "order.label_provided"]
    number, known = label["tracking_number"], await shop.known()
    assert known[0]["parcels"] == [{"tracking_number": number, "units": {"MUG": 2, "TEE": 1}}]
    assert known[0]["labels"] == [number]
    assert [one["is_cancelled"] for one in known] == [False, True, False]
