"""Shopee from its push to the label or the tracking number in its books: real endpoint, jobs and database."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import order_service
from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.repeating import repeat
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.shopee.app import ShopeeOptions, ShopeeSandbox, running_shopee
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

SHOP, NUMBER, PACKAGE = 770011223, "260214EXMPL7K2", "OFG190011223344556"
SKUS = ("CN-MNT-BR-PT", "CN-USBC-2M")
PUSH_KEY, PARTNER_KEY = "push-key", "partner-key"
#: What Shopee's console has, and signs: not what the service sees behind its proxy.
CALLBACK_URL = "https://hooks.example/webhooks/shopee/lumo-br"
SAMPLE = Path(order_service.__file__).parent / "adapters/marketplaces/shopee/tests/samples/order.json"


class Site:
    """A shop in the sandbox that pushes to a running order-service, and is called by its jobs."""

    def __init__(
        self, sandbox: ShopeeSandbox, url: str, database: OrderDatabase, platforms: Mapping[str, Marketplace]
    ) -> None:
        self._sandbox = sandbox
        self._url = url
        self._database = database
        self._platforms = platforms

    async def control(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        url = f"{self._sandbox.base_url}/_sandbox/{path}"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, url, json=body, params=query)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def trade(self, client: httpx.AsyncClient) -> TradedShop:
        """A shop where anybody can buy, connected by order-service's API."""
        shop = TradedShop("shopee", self._sandbox.base_url, client, self._database)
        await shop.open(f"{self._url}/webhooks/shopee/{ACCOUNT}")
        return shop

    async def install(self, **changes: Any) -> None:
        given = {
            "shop_id": SHOP,
            "partner_id": 2001887,
            "partner_key": PARTNER_KEY,
            "push_key": PUSH_KEY,
            "callback_url": CALLBACK_URL,
            "webhook_url": f"{self._url}/webhooks/shopee/lumo-br",
            "access_token": "access-1",
            "refresh_token": "refresh-1",
            **changes,
        }
        await self.control("POST", "shops", given)

    async def connect(self, **changes: Any) -> Account:
        account = an_account(
            account="lumo-br",
            platform="shopee",
            shop_ref=str(SHOP),
            api_base_url=self._sandbox.base_url,
            secrets=Secrets(webhook=(PUSH_KEY,), named={"partner_key": PARTNER_KEY}),
            options={"callback_url": CALLBACK_URL, "partner_id": "2001887"},
            domestic_countries=frozenset({"BR"}),
            **changes,
        )
        await connect(self._database, account, skus=SKUS)
        async with self._database.transaction() as tx:
            until = datetime.now(UTC) + timedelta(hours=4)
            await tx.tokens.give(account, Tokens("access-1", until, "refresh-1"))
        return account

    async def put_order(self, **changes: Any) -> None:
        """It changes now, unless it is said when."""
        now = int(datetime.now(UTC).timestamp())
        order = {**json.loads(SAMPLE.read_text()), "update_time": now, **changes}
        await self.control("PUT", f"shops/{SHOP}/orders", order)

    async def push(self, **given: Any) -> None:
        """Send pushes and wait until Shopee takes them for delivered."""
        await self.control("POST", f"shops/{SHOP}/pushes", {"order_sn": NUMBER, **given})
        await self.told()

    async def told(self) -> None:
        async def delivered() -> bool:
            status = await self.control("GET", "deliveries")
            return bool(status["pending"] == 0 and status["failed"] == 0)

        await eventually(delivered)

    async def calls(self, operation: str) -> int:
        return len((await self.control("GET", "books/calls", operation=operation))["rows"])

    async def package(self) -> dict[str, Any]:
        (row,) = (await self.control("GET", "books/packages"))["rows"]
        return dict(row)

    async def order(self) -> Order:
        ref = OrderRef("shopee", str(SHOP), NUMBER)
        async with self._database.transaction() as tx:
            (order,) = (await tx.orders.lock_external([ref])).values()
        return order

    @asynccontextmanager
    async def working(self, *, asking: bool = False) -> AsyncIterator[None]:
        """The jobs of a process and, if wanted, what asks for polls and refreshes."""
        jobs = MarketplaceJobs(self._database, self._platforms, Retention())
        handlers = {**jobs.handlers(), **ObligationJobs(self._database, self._platforms).handlers()}
        bounds = JobBounds(first_retry_s=0.05, last_retry_s=0.2, stop_s=0.5)
        runner = JobRunner(self._database, handlers, [Destination("shopee")], bounds)
        asks, stop = Asking(self._database, self._platforms), asyncio.Event()
        tasks = [asyncio.create_task(runner.run())]
        if asking:
            tasks += [asyncio.create_task(repeat("ask", asks.ask, stop, every_s=0.1))]
        try:
            yield
        finally:
            stop.set()
            await runner.stop()
            await asyncio.gather(*tasks)

    async def work(self) -> None:
        """Do the jobs there are."""

        async def settled() -> bool:
            return set(await column(self._database, "select state from job")) <= {"done", "refused"}

        async with self.working():
            await eventually(settled)


@pytest.fixture
async def site(
    tmp_path: Path, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> AsyncIterator[Site]:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    options = ShopeeOptions(number_delay_s=0.0, document_delay_s=0.0)
    async with serving(app, listening_socket(0)) as url, running_shopee(tmp_path, options=options) as sandbox:
        site = Site(sandbox, url, database, marketplaces)
        await site.install()
        await site.put_order()
        yield site


async def states(database: OrderDatabase) -> list[Any]:
    return await column(database, "select state from inbound_message order by message_id")


async def test_a_push_is_answered_with_nothing_and_its_order_fetched_and_imported(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()

    await site.push()
    await site.work()

    order = await site.order()
    assert (order.status, order.identity.order_number) == ("open", NUMBER)
    assert await states(database) == ["imported"]
    assert [topic for topic, _ in await published(database)] == ["order.created"]


async def test_repeated_pushes_and_those_of_other_kinds_make_one_order(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()

    await site.push(copies=3)
    await site.push(by_partner_key=True)
    await site.push(code=4)
    await site.work()

    assert sorted(await states(database)) == ["ignored", "imported"]
    assert await column(database, "select count(*) from orders") == [1]


async def test_a_push_that_is_not_shopees_is_refused_and_nothing_is_kept(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()
    await site.control("POST", f"shops/{SHOP}/pushes", {"order_sn": NUMBER, "signature": "bad"})

    async def answered() -> bool:
        return any(row["status"] == 401 for row in (await site.control("GET", "books/attempts"))["rows"])

    await eventually(answered)
    assert await states(database) == []


async def test_a_late_push_of_an_older_state_changes_nothing(site: Site, database: OrderDatabase) -> None:
    await site.connect()
    before = json.dumps(
        {
            "data": {"ordersn": NUMBER, "status": "UNPAID", "update_time": 1771039805},
            "shop_id": SHOP,
            "code": 3,
        }
    )
    await site.push()
    await site.work()
    fetched = await site.calls("order.detail")

    await site.push(body=before)
    await site.work()

    assert await site.calls("order.detail") == fetched
    assert (await site.order()).status == "open"


async def test_an_order_that_shopee_keeps_back_waits_without_a_deadline_and_goes_on(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()
    await site.put_order(order_status="PENDING", pending_terms=["KYC_PENDING"])
    await site.push()
    await site.work()
    held = await site.order()

    await site.put_order()
    await site.push()
    await site.work()

    assert (held.status, held.process.reserve_until) == ("held", None)
    assert (await site.order()).status == "open"


async def test_an_access_token_that_has_run_out_costs_one_refresh(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect()
    await site.control("POST", f"shops/{SHOP}/expiry")

    await site.push()
    await site.work()

    assert await states(database) == ["imported"]
    assert await site.calls("token.refresh") == 1
    now = await site.control("GET", f"shops/{SHOP}/tokens")
    async with database.transaction() as tx:
        tokens = (await tx.accounts.get("default", "lumo-br")).tokens
    assert tokens is not None
    assert (tokens.access_token, tokens.refresh_token) == (now["access_token"], now["refresh_token"])


async def test_an_order_whose_push_was_lost_is_found_by_the_poll(site: Site, database: OrderDatabase) -> None:
    await site.connect()

    async def found() -> bool:
        return await states(database) == ["imported"]

    async with site.working(asking=True):
        await eventually(found)

    assert (await site.order()).status == "open"


async def test_shopees_label_reaches_shipping_and_its_number_is_not_told_back(
    site: Site, database: OrderDatabase
) -> None:
    await site.connect(label_source=LabelSource.MARKETPLACE)
    await site.push()
    await site.work()
    order = await site.order()
    inventory, shipping, parcel_id = Inventory(order), Shipping(order), new_id()
    reserved = inventory.reserves()

    await say(database, reserved, shipping.asks_for_label(reserved.allocations, parcel_id=parcel_id))
    await site.work()
    await say(database, shipping.parcel(ParcelLabelledV1, reserved.allocations, parcel_id=parcel_id))
    await say(database, shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id))
    await site.work()

    package = await site.package()
    (provided,) = [said for topic, said in await published(database) if topic == "order.label_provided"]
    assert provided["tracking_number"] == package["tracking_number"]
    assert (package["logistics_status"], package["downloads"]) == ("LOGISTICS_REQUEST_CREATED", 1)
    assert await site.calls("logistics.ship") == 1
    assert (await site.order()).status == "closed"


async def test_our_carriers_number_is_in_shopees_books_after_the_parcel_left(
    site: Site, database: OrderDatabase
) -> None:
    await site.install(handover=["non_integrated"])
    await site.connect()
    await site.push()
    await site.work()
    order = await site.order()
    inventory, shipping, parcel_id = Inventory(order), Shipping(order), new_id()
    reserved = inventory.reserves()
    shipped = shipping.parcel(ParcelLabelledV1, reserved.allocations, parcel_id=parcel_id)
    left = shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id)

    await say(database, reserved, shipped, left)
    await site.work()
    await site.push()
    await site.work()

    assert (await site.package())["tracking_number"] == left.tracking_number
    assert await column(database, "select confirmed_ref from obligation where kind = 'tracking'") == [PACKAGE]
    order = await site.order()
    assert (order.status, order.process.holds) == ("closed", {})


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
        ("Leopoldstraße 7, 3. Stock, München, 80802",),
        "München",
        None,
        "DE",
    )
    assert await shop.consignee("J-1") == (
        "花子 山田",
        ("神南1-2-3, 渋谷区, 東京都, 150-0041",),
        "渋谷区",
        "東京都",
        "JP",
    )
    (label,) = [said for topic, said in await published(database) if topic == "order.label_provided"]
    number, known = label["tracking_number"], await shop.known()
    assert known[0]["parcels"] == [{"tracking_number": number, "units": {"MUG": 2, "TEE": 1}}]
    assert known[0]["labels"] == [number]
    assert [one["is_cancelled"] for one in known] == [False, True, False]
