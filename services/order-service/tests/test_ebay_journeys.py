"""Orders from eBay through the real service: told of, fetched, imported, sent, told back, in eBay's books."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

import order_service
from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.repeating import repeat
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from crossdock_sandbox.ebay.app import EbayOptions, EbaySandbox, running_ebay
from crossdock_sandbox.serving import listening_socket, serving
from order_service.api.app import build_app
from order_service.domain.order import Order
from order_service.messaging import HANDLERS
from order_service.messaging.asking import Asking
from order_service.messaging.jobs import MarketplaceJobs
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.persistence.erasing import erase_expired, forget
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import OrderRef, Secrets, Tokens
from order_service.use_cases.steer_order import Command, cancel_order

from .samples import PERSON, Inventory, Shipping, an_account
from .test_jobs import eventually
from .test_journeys import column, connect, published, say
from .trade_side import ACCOUNT, TradedShop, assert_trade_goes_through

SHOP = "lumo_direct_cn"
ORDER_ID = "12-14455-66778"
SKU = "CN-DOGLED-M"
TOKEN = "a-verification-token-of-at-least-32"
URL = "/webhooks/ebay/lumo"
_SAMPLE = (
    Path(order_service.__file__).parent / "adapters/marketplaces/ebay/tests/samples/order.json"
).read_text()


def a_body(**changes: Any) -> dict[str, Any]:
    """The sample order, placed just now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**deepcopy(json.loads(_SAMPLE)), "creationDate": now, "lastModifiedDate": now, **changes}


async def states(database: OrderDatabase) -> list[Any]:
    return await column(database, "select state from inbound_message order by message_id")


async def the_order(database: OrderDatabase) -> Order:
    async with database.transaction() as tx:
        (order,) = (await tx.orders.lock_external([OrderRef("ebay", SHOP, ORDER_ID)])).values()
    return order


class Ebay:
    """The sandbox with one seller, connected to the real service, and the workers of the service."""

    def __init__(
        self, sandbox: EbaySandbox, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
    ) -> None:
        self.sandbox = sandbox
        self._database = database
        self._marketplaces = marketplaces

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient() as http:
            answer = await http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def put_order(self, **changes: Any) -> None:
        await self.control("PUT", f"shops/{SHOP}/orders/{ORDER_ID}", a_body(**changes))

    async def order(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.control("GET", f"shops/{SHOP}/orders/{ORDER_ID}")
        return found

    async def tell(self, **given: Any) -> dict[str, int]:
        """Have a notice sent; how many were delivered and how many not, once that is settled."""
        await self.control("POST", f"shops/{SHOP}/deliveries", {"topic": "ORDER_CONFIRMATION", **given})
        counted: dict[str, int] = {}

        async def settled() -> bool:
            counted.update(await self.control("GET", "deliveries"))
            return counted["pending"] == 0

        await eventually(settled)
        return counted

    async def books(self, table: str, column: str) -> list[Any]:
        return [row[column] for row in (await self.control("GET", f"books/{table}"))["rows"]]

    async def poll(self) -> None:
        """Make the next poll due."""
        async with self._database.transaction() as tx:
            await tx.connection.execute(text("update account_poll set next_at = crossdock_now()"))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The jobs of one process and who asks for them, as the work role runs them."""
        jobs = MarketplaceJobs(self._database, self._marketplaces, Retention())
        duties = ObligationJobs(self._database, self._marketplaces)
        bounds = JobBounds(first_retry_s=0.05, last_retry_s=0.2, stop_s=0.5)
        handlers = {**jobs.handlers(), **duties.handlers()}
        runner = JobRunner(self._database, handlers, [Destination("ebay")], bounds)
        asking, stop = Asking(self._database, self._marketplaces), asyncio.Event()
        tasks = [
            asyncio.create_task(runner.run()),
            asyncio.create_task(repeat("ask", asking.ask, stop, every_s=0.1)),
            asyncio.create_task(repeat("refresh", asking.refresh, stop, every_s=0.1)),
        ]
        try:
            yield
        finally:
            stop.set()
            await runner.stop()
            await asyncio.gather(*tasks)


@pytest.fixture
async def ebay(
    tmp_path: Path, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> AsyncIterator[Ebay]:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    options = EbayOptions(retries=1, retry_base_s=0.05)
    async with (
        serving(app, listening_socket(0)) as service,
        running_ebay(tmp_path, options=options) as sandbox,
    ):
        endpoint = service + URL
        account = an_account(
            platform="ebay",
            shop_ref=SHOP,
            api_base_url=sandbox.base_url,
            secrets=Secrets(webhook=(TOKEN,), named={"client_secret": "PRD-secret"}),
            options={"client_id": "Lumo-PRD", "endpoint": endpoint},
        )
        await connect(database, account, skus=(SKU,))
        async with database.transaction() as tx:
            until = datetime.now(UTC) + timedelta(hours=1)
            await tx.tokens.give(account, Tokens("bought long ago", until, "v^1.1#refresh"))
        ebay = Ebay(sandbox, database, marketplaces)
        seller = {
            "shop": SHOP,
            "client_id": "Lumo-PRD",
            "client_secret": "PRD-secret",
            "refresh_token": "v^1.1#refresh",
            "verification_token": TOKEN,
            "endpoint": endpoint,
        }
        await ebay.control("POST", "shops", seller)
        yield ebay


async def is_imported(database: OrderDatabase) -> bool:
    return await column(database, "select count(*) from orders") == [1]


async def test_ebay_finds_out_that_the_address_is_ours(ebay: Ebay) -> None:
    answer = await ebay.control("POST", f"shops/{SHOP}/challenge")

    assert answer == {"status": 200, "verified": True}


async def test_an_order_is_told_of_fetched_sent_and_its_number_is_in_ebays_books(
    ebay: Ebay, database: OrderDatabase
) -> None:
    await ebay.put_order()

    counted = await ebay.tell(order_id=ORDER_ID, copies=2)
    async with ebay.working():
        await eventually(lambda: is_imported(database))
        order = await the_order(database)
        inventory, shipping, parcel_id = Inventory(order), Shipping(order), new_id()
        reserved = inventory.reserves()
        await say(
            database,
            reserved,
            shipping.parcel(ParcelLabelledV1, reserved.allocations, parcel_id=parcel_id),
            shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id),
        )

        async def told() -> bool:
            return await column(database, "select state from obligation") == ["confirmed"]

        await eventually(told)
        await ebay.poll()

        async def heard() -> bool:
            since = f"select platform_updated_at > '{order.platform_updated_at}' from orders"
            return await column(database, since) == [True]

        await eventually(heard)

    assert counted == {"pending": 0, "delivered": 2, "failed": 0}
    assert await ebay.books("fulfillments", "tracking_number") == [f"YT{str(parcel_id)[-8:]}"]
    assert (await ebay.order())["orderFulfillmentStatus"] == "FULFILLED"
    order = await the_order(database)
    assert (order.status, order.process.holds) == ("closed", {})
    assert order.content.totals.grand_total == 3548
    assert (await published(database))[0][0] == "order.created"


async def test_what_ebay_tells_nobody_of_is_found_by_the_poll(ebay: Ebay, database: OrderDatabase) -> None:
    await ebay.put_order()

    async with ebay.working():
        await eventually(lambda: is_imported(database))
        await ebay.put_order(cancelStatus={"cancelState": "CANCELED"}, orderPaymentStatus="FULLY_REFUNDED")
        await ebay.poll()

        async def cancelling() -> bool:
            return (await the_order(database)).status in {"cancelling", "cancelled"}

        await eventually(cancelling)

    assert (await the_order(database)).process.platform_cancelled


async def test_white_space_that_ebay_did_not_sign_is_no_reason_to_refuse(
    ebay: Ebay, database: OrderDatabase
) -> None:
    await ebay.put_order()

    counted = await ebay.tell(order_id=ORDER_ID, spaced=True)

    assert counted["delivered"] == 1
    assert await states(database) == ["fetching"]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"signature": "bad"},
        {"signature": "missing"},
        {"key_id": "11112222-3333-4444-5555-666677778888"},
        {"key_id": "../../user"},
    ],
    ids=["wrong", "missing", "of no key", "of no id"],
)
async def test_what_ebay_has_not_signed_is_refused_without_a_word(
    client: httpx.AsyncClient, ebay: Ebay, database: OrderDatabase, spoiled: dict[str, str]
) -> None:
    await ebay.put_order()

    counted = await ebay.tell(order_id=ORDER_ID, **spoiled)

    assert (counted["delivered"], counted["failed"]) == (0, 1)
    assert set(await ebay.books("attempts", "status")) == {412}
    assert await states(database) == []


async def test_a_new_key_of_ebays_is_learnt_when_it_is_used(ebay: Ebay, database: OrderDatabase) -> None:
    await ebay.put_order()
    await ebay.tell(order_id=ORDER_ID)
    await ebay.control("POST", "signing-keys")

    counted = await ebay.tell(order_id=ORDER_ID)

    assert counted == {"pending": 0, "delivered": 2, "failed": 0}


async def test_a_key_that_cannot_be_had_makes_ebay_repeat(ebay: Ebay, database: OrderDatabase) -> None:
    await ebay.put_order()
    await ebay.control("PUT", "faults", [{"operation": "key.get", "mode": "error_500", "times": 1}])

    counted = await ebay.tell(order_id=ORDER_ID)

    assert counted["delivered"] == 1
    assert await ebay.books("attempts", "status") == [503, 204]
    assert await states(database) == ["fetching"]


async def test_a_seller_who_withdrew_the_consent_is_for_a_person_and_loses_no_order(
    ebay: Ebay, database: OrderDatabase
) -> None:
    await ebay.put_order()
    await ebay.control("DELETE", f"shops/{SHOP}/consent")
    await ebay.tell(order_id=ORDER_ID)

    async with ebay.working():

        async def refused() -> bool:
            return await column(database, "select refused_because from account_token") == ["invalid_grant"]

        await eventually(refused)

    assert await states(database) == ["fetching"]


CLOSED = {"username": "paper_lantern_88", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2Pr"}


@pytest.mark.parametrize(
    ("username", "forgotten"),
    [("paper_lantern_88", True), ("somebody_else", False)],
    ids=["ours", "not ours"],
)
async def test_a_buyer_who_closed_the_account_is_forgotten_when_the_order_has_ended(
    ebay: Ebay, database: OrderDatabase, username: str, forgotten: bool
) -> None:
    await ebay.put_order()
    await ebay.tell(order_id=ORDER_ID)
    async with ebay.working():
        await eventually(lambda: is_imported(database))

    closed = {"topic": "MARKETPLACE_ACCOUNT_DELETION", "user": {**CLOSED, "username": username}}
    counted = await ebay.tell(**closed, copies=2)
    await erase_expired(database)
    under_way = (await the_order(database)).people.consignee
    async with database.transaction() as tx:
        await tx.connection.execute(text("update orders set status = 'closed'"))
    await erase_expired(database)

    assert counted["failed"] == 0
    assert under_way is not None
    assert ((await the_order(database)).people.consignee is None) is forgotten
    bodies = "select distinct body is null from inbound_message where order_id is not null"
    assert await column(database, bodies) == [forgotten]
    asked = "select state from inbound_message where topic = 'MARKETPLACE_ACCOUNT_DELETION'"
    assert await column(database, asked) == ["ignored"]
    codes = await column(database, "select code from order_exception")
    assert codes == (["erasure_asked"] if forgotten else [])


@pytest.mark.parametrize(("merchant_id", "orders"), [("default", 1), ("another", 0)])
async def test_a_buyer_is_forgotten_in_all_shops_of_the_merchant_and_in_no_other(
    ebay: Ebay, database: OrderDatabase, merchant_id: str, orders: int
) -> None:
    await ebay.put_order()
    async with ebay.working():
        await eventually(lambda: is_imported(database))
    asked = an_account(platform="ebay", account="second", shop_ref="second_shop", merchant_id=merchant_id)

    found = [await forget(database, asked, ["paper_lantern_88"], "n-1") for _ in range(2)]

    assert found == [orders, 0]


async def test_a_cancel_of_ours_reaches_ebay(ebay: Ebay, database: OrderDatabase) -> None:
    await ebay.put_order()
    await ebay.tell(order_id=ORDER_ID)

    async with ebay.working():
        await eventually(lambda: is_imported(database))
        order = await the_order(database)
        async with database.transaction() as tx:
            await cancel_order(Command("default", order.identity.order_id, PERSON, "out of stock"), tx=tx)
        order = await the_order(database)
        released = Inventory(order).releases(answers=order.version)
        await say(database, released, Shipping(order).cancels([]))

        async def told() -> bool:
            return await column(database, "select state from obligation") == ["confirmed"]

        await eventually(told)

    assert (await ebay.order())["cancelStatus"]["cancelState"] == "CANCELED"
    assert await ebay.books("cancels", "initiator") == ["SELLER"]


async def test_what_is_bought_by_the_trades_side_is_imported_sent_and_cancelled_as_it_was_bought(
    tmp_path: Path,
    database: OrderDatabase,
    marketplaces: Mapping[str, Marketplace],
    client: httpx.AsyncClient,
) -> None:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    async with serving(app, listening_socket(0)) as service, running_ebay(tmp_path) as sandbox:
        shop = TradedShop("ebay", sandbox.base_url, client, database)
        await shop.open(f"{service}/webhooks/ebay/{ACCOUNT}")
        ebay = Ebay(sandbox, database, marketplaces)

        async with ebay.working():
            await assert_trade_goes_through(shop, unpaid="held", ask=ebay.poll)
