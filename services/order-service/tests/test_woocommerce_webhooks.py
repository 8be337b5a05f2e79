"""WooCommerce's deliveries through the real endpoint: proven, stored, imported, answered."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

import order_service
from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.woocommerce.app import WooCommerceSandbox, running_woocommerce
from order_service.api.app import build_app
from order_service.domain.order import Order
from order_service.messaging import HANDLERS
from order_service.messaging.jobs import MarketplaceJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, OrderRef, Secrets

from .samples import Inventory, Shipping, an_account
from .test_jobs import eventually, working
from .test_journeys import column, connect, published, say
from .trade_side import ACCOUNT, TradedShop, assert_trade_goes_through

URL = "/webhooks/woocommerce/lumo"
SITE = "lumo-demo.example"
SECRET = "wh-example-secret-71"
SKU = "CN-SOLAR-WW"
_SAMPLE = (
    Path(order_service.__file__).parent / "adapters/marketplaces/woocommerce/tests/samples/order.json"
).read_text()
LATER, LATEST = "2026-02-18T12:00:00", "2026-02-18T13:00:00"


def a_shop(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "platform": "woocommerce",
        "shop_ref": SITE,
        "secrets": Secrets(webhook=(SECRET,), access_token="ck_1:cs_1"),
        "domestic_countries": frozenset({"AU"}),
    }
    return an_account(**{**values, **changes})


def a_body(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(json.loads(_SAMPLE)), **changes}


async def deliver(
    client: httpx.AsyncClient, body: Any, topic: str = "order.updated", **headers: str
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
    given = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"https://{SITE}/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-Delivery-ID": "the same for every delivery of one second",
        **headers,
    }
    return await client.post(URL, content=raw, headers=given)


async def the_order(database: OrderDatabase, external_id: str = "9117") -> Order:
    async with database.transaction() as tx:
        (order,) = (await tx.orders.lock_external([OrderRef("woocommerce", SITE, external_id)])).values()
    return order


async def states(database: OrderDatabase) -> list[Any]:
    return await column(database, "select state from inbound_message order by message_id")


@pytest.fixture
async def shop(database: OrderDatabase) -> None:
    await connect(database, a_shop(), skus=(SKU,))


@pytest.mark.usefixtures("shop")
async def test_a_genuine_order_is_imported_and_answered_with_nothing(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    answer = await deliver(client, a_body(), "order.created")

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await the_order(database)).status == "open"
    assert [topic for topic, _ in await published(database)] == ["order.created"]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "wrong",
    [
        {"X-WC-Webhook-Signature": "AAAA"},
        {"X-WC-Webhook-Signature": "not base64 at all!"},
        {"X-WC-Webhook-Source": "https://other.example/"},
    ],
)
async def test_what_is_not_proven_to_be_the_shops_is_refused_without_a_word(
    client: httpx.AsyncClient, database: OrderDatabase, wrong: dict[str, str]
) -> None:
    answer = await deliver(client, a_body(), **wrong)

    assert (answer.status_code, answer.content) == (401, b"")
    assert await states(database) == []


@pytest.mark.usefixtures("shop")
async def test_the_ping_of_a_new_webhook_is_answered_and_nothing_is_kept(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    known = await client.post(URL, content=b"webhook_id=12", headers=form)
    unknown = await client.post("/webhooks/woocommerce/nobody", content=b"webhook_id=12", headers=form)

    assert (known.status_code, known.content, unknown.status_code) == (200, b"", 401)
    assert await states(database) == []


@pytest.mark.usefixtures("shop")
async def test_two_orders_of_one_second_are_two_although_they_share_a_delivery_id(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    for order_id in (9117, 9118):
        await deliver(client, a_body(id=order_id), "order.created")

    assert await column(database, "select count(*) from orders") == [2]


@pytest.mark.usefixtures("shop")
async def test_the_same_word_twice_is_one_message(client: httpx.AsyncClient, database: OrderDatabase) -> None:
    answers = [await deliver(client, a_body(), **{"X-WC-Webhook-Delivery-ID": one}) for one in ("a", "b")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert await states(database) == ["imported"]


@pytest.mark.usefixtures("shop")
async def test_an_unpaid_order_waits_until_the_shop_says_processing(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await deliver(client, a_body(status="pending", date_paid_gmt=None), "order.created")
    held = await the_order(database)

    await deliver(client, a_body(date_modified_gmt=LATER))

    assert (held.status, set(held.process.holds)) == ("held", {"unpaid"})
    assert (await the_order(database)).status == "open"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("status", ["on-hold", "failed", "refunded", "of-a-plug-in"])
async def test_a_status_that_does_not_allow_it_keeps_the_order_here(
    client: httpx.AsyncClient, database: OrderDatabase, status: str
) -> None:
    await deliver(client, a_body())

    await deliver(client, a_body(status=status, date_modified_gmt=LATER))

    assert (await the_order(database)).status == "held"


@pytest.mark.usefixtures("shop")
async def test_a_new_address_replaces_the_old_one(client: httpx.AsyncClient, database: OrderDatabase) -> None:
    await deliver(client, a_body())
    moved = {**a_body()["shipping"], "address_1": "28 Sample Parade"}

    await deliver(client, a_body(shipping=moved, date_modified_gmt=LATER))

    consignee = (await the_order(database)).people.consignee
    assert consignee is not None
    assert consignee.lines[0] == "28 Sample Parade"


@pytest.mark.usefixtures("shop")
async def test_a_cancel_in_the_shop_is_a_wish_here(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await deliver(client, a_body())

    await deliver(client, a_body(status="cancelled", date_modified_gmt=LATER))

    assert (await the_order(database)).status == "cancelling"
    assert [topic for topic, _ in await published(database)] == ["order.created", "order.cancelled"]


@pytest.mark.usefixtures("shop")
async def test_an_older_update_never_overwrites_a_newer_one(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await deliver(client, a_body(status="on-hold", date_modified_gmt=LATEST))

    await deliver(client, a_body(date_modified_gmt=LATER))

    assert (await the_order(database)).status == "held"
    assert await states(database) == ["imported", "stale"]


@pytest.mark.usefixtures("shop")
async def test_a_deletion_is_kept_for_a_person_and_changes_nothing(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await deliver(client, a_body())

    answer = await deliver(client, {"id": 9117}, "order.deleted")

    assert answer.status_code == 200
    assert await states(database) == ["imported", "failed"]
    assert (await the_order(database)).status == "open"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("topic", "body"), [("order.created", a_body(status="checkout-draft")), ("product.updated", {"id": 801})]
)
async def test_what_is_no_order_yet_or_at_all_is_kept_and_ignored(
    client: httpx.AsyncClient, database: OrderDatabase, topic: str, body: dict[str, Any]
) -> None:
    await deliver(client, body, topic)

    assert await states(database) == ["ignored"]
    assert await column(database, "select count(*) from orders") == [0]


@pytest.mark.usefixtures("shop")
async def test_an_order_that_was_refunded_as_a_whole_is_held_before_the_shop_is_asked_anything(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await deliver(client, a_body())

    refunds = [{"id": 9200, "reason": "", "total": "-65.95"}]
    await deliver(client, a_body(status="refunded", refunds=refunds, date_modified_gmt=LATER))

    assert set((await the_order(database)).process.holds) == {"unpaid"}
    assert await column(database, "select count(*) from job") == [0]


class Site:
    """A shop in the sandbox that posts to a running order-service, and is asked back by its jobs."""

    def __init__(self, sandbox: WooCommerceSandbox, database: OrderDatabase, jobs: MarketplaceJobs) -> None:
        self._sandbox = sandbox
        self._database = database
        self._jobs = jobs

    async def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        url = f"{self._sandbox.base_url}/_sandbox/{path}"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, url, json=body)
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def order(self) -> dict[str, Any]:
        return await self.control("GET", "shops/lumo-demo/orders/9117")

    async def put_order(self, **changes: Any) -> None:
        await self.control("PUT", "shops/lumo-demo/orders/9117", a_body(**changes))

    async def tell(self, topic: str) -> None:
        """Send the order as it is now, and wait until its message is here."""
        before = len(await states(self._database))
        await self.control("POST", "shops/lumo-demo/deliveries", {"topic": topic, "order_id": 9117})

        async def arrived() -> bool:
            return len(await states(self._database)) > before

        await eventually(arrived)

    async def work(self) -> None:
        """Do the jobs there are."""
        runner = JobRunner(self._database, self._jobs.handlers(), [Destination("woocommerce")])
        task = asyncio.create_task(runner.run())

        async def settled() -> bool:
            return set(await column(self._database, "select state from job")) <= {"done", "refused"}

        await eventually(settled)
        await runner.stop()
        await task


@pytest.fixture
async def site(
    tmp_path: Path, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> AsyncIterator[Site]:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    async with serving(app, listening_socket(0)) as service, running_woocommerce(tmp_path) as sandbox:
        await connect(database, a_shop(api_base_url=sandbox.shop_url("lumo-demo")), skus=(SKU,))
        site = Site(sandbox, database, MarketplaceJobs(database, marketplaces, Retention()))
        given = {
            "shop": "lumo-demo",
            "consumer_key": "ck_1",
            "consumer_secret": "cs_1",
            "webhook_secret": SECRET,
            "webhook_url": service + URL,
        }
        await site.control("POST", "shops", given)
        yield site


async def test_a_shop_in_the_sandbox_is_heard_and_two_words_of_one_second_are_asked_about(
    site: Site, database: OrderDatabase, client: httpx.AsyncClient
) -> None:
    await site.put_order()
    await site.tell("order.created")
    second_word = a_body(status="on-hold", date_modified="2026-02-18T11:05:02")

    await deliver(client, second_word)
    await site.work()

    assert (await the_order(database)).status == "open"
    assert await states(database) == ["imported", "unchanged"]


@pytest.mark.parametrize("known", [True, False])
async def test_units_that_were_refunded_in_the_shop_are_asked_for_and_not_sent(
    site: Site, database: OrderDatabase, known: bool
) -> None:
    await site.put_order()
    if known:
        await site.tell("order.created")
    refund = {"amount": "27.50", "reason": "one is broken", "units": {"401": 1}}
    await site.control("POST", "shops/lumo-demo/orders/9117/refunds", refund)

    await site.tell("order.updated")
    await site.work()

    order = await the_order(database)
    assert [line.units for line in order.lines] == [1]
    assert order.content.payment == "partially_refunded"
    assert (await states(database))[-1] == "imported"


async def test_a_parcels_number_reaches_the_shop_and_its_own_news_of_it_changes_nothing(
    site: Site, database: OrderDatabase
) -> None:
    await site.put_order()
    await site.tell("order.created")
    order = await the_order(database)
    inventory, shipping, parcel_id = Inventory(order), Shipping(order), new_id()
    reserved = inventory.reserves()
    await say(
        database,
        reserved,
        shipping.parcel(ParcelLabelledV1, reserved.allocations, parcel_id=parcel_id),
        shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id),
    )
    await site.work()
    await site.tell("order.updated")

    (reference,) = await column(database, "select confirmed_ref from obligation where state = 'confirmed'")
    assert reference.startswith("tracking:")
    assert (await site.order())["status"] == "completed"
    order = await the_order(database)
    assert (order.status, order.process.holds) == ("closed", {})


async def test_what_was_asked_for_is_not_taken_back_by_the_next_word(
    site: Site, database: OrderDatabase
) -> None:
    await site.put_order()
    await site.tell("order.created")
    await site.control(
        "POST", "shops/lumo-demo/orders/9117/refunds", {"amount": "27.50", "units": {"401": 1}}
    )
    await site.tell("order.updated")
    await site.work()

    await site.control("POST", "shops/lumo-demo/orders/9117/refunds", {"amount": "1.00"})
    await site.tell("order.updated")
    before = [line.units for line in (await the_order(database)).lines]
    await site.work()

    assert before == [1]
    assert [line.units for line in (await the_order(database)).lines] == [1]
    assert (await the_order(database)).content.totals.refunded_total == 2850


async def test_an_order_whose_refunds_the_shop_does_not_show_is_for_a_person_to_see(
    site: Site, database: OrderDatabase
) -> None:
    await site.put_order()
    await site.tell("order.created")
    await site.control(
        "POST", "shops/lumo-demo/orders/9117/refunds", {"amount": "27.50", "units": {"401": 1}}
    )
    await site.control("PUT", "faults", [{"operation": "refund.list", "mode": "refuse"}])

    await site.tell("order.updated")
    await site.work()

    assert await column(database, "select code from order_exception") == ["fetch_refused"]
    assert await states(database) == ["imported", "failed"]


async def test_what_is_bought_by_the_trades_side_is_imported_sent_and_cancelled_as_it_was_bought(
    tmp_path: Path,
    database: OrderDatabase,
    marketplaces: Mapping[str, Marketplace],
    client: httpx.AsyncClient,
) -> None:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    async with serving(app, listening_socket(0)) as service, running_woocommerce(tmp_path) as sandbox:
        shop = TradedShop("woocommerce", sandbox.base_url, client, database)
        await shop.open(f"{service}/webhooks/woocommerce/{ACCOUNT}")

        async with working(database, marketplaces, "woocommerce"):
            await assert_trade_goes_through(shop, unpaid="held")
