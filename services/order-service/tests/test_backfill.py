"""Orders whose webhooks were lost are found by asking the shops, as the work role does it."""

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

import order_service
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.repeating import repeat
from crossdock_sandbox.shopify.app import running_shopify
from crossdock_sandbox.woocommerce.app import running_woocommerce
from order_service.messaging.asking import Asking
from order_service.messaging.jobs import MarketplaceJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, Secrets

from .samples import an_account
from .test_jobs import eventually
from .test_journeys import column, connect

FOLDER = Path(order_service.__file__).parent / "adapters/marketplaces"
CAUGHT_UP = "select read_until > now() - interval '5 minutes' and next_at > now() from account_poll"

AGO = timedelta(minutes=10)


def sample(platform: str, **changes: Any) -> dict[str, Any]:
    order = json.loads((FOLDER / platform / "tests/samples/order.json").read_text())
    return {**deepcopy(order), **changes}


@asynccontextmanager
async def working(database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> AsyncIterator[None]:
    jobs = MarketplaceJobs(database, marketplaces, Retention())
    parties = [Destination(one) for one in marketplaces]
    bounds = JobBounds(first_retry_s=0.05, last_retry_s=0.2, stop_s=0.5)
    runner, stop = JobRunner(database, jobs.handlers(), parties, bounds), asyncio.Event()
    asking = Asking(database, marketplaces)
    tasks = [
        asyncio.create_task(runner.run()),
        asyncio.create_task(repeat("ask", asking.ask, stop, every_s=0.1)),
    ]
    try:
        yield
    finally:
        stop.set()
        await runner.stop()
        await asyncio.gather(*tasks)


async def control(base_url: str, method: str, path: str, body: Any) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, f"{base_url}/_sandbox/{path}", json=body)
    assert answer.is_success, answer.text


@asynccontextmanager
async def a_shopify_shop(folder: Path) -> AsyncIterator[Account]:
    """With one order that no webhook told of."""
    async with running_shopify(folder) as sandbox:
        shop = {"shop": "lumo-demo", "client_secret": "s", "access_token": "t", "webhook_url": "http://a/"}
        await control(sandbox.base_url, "POST", "shops", shop)
        order = sample("shopify", updated_at=(datetime.now(UTC) - AGO).isoformat())
        await control(sandbox.base_url, "PUT", f"shops/lumo-demo/orders/{order['id']}", order)
        yield an_account(
            api_base_url=sandbox.shop_url("lumo-demo"), secrets=Secrets(webhook=("s",), access_token="t")
        )


@asynccontextmanager
async def a_woocommerce_shop(folder: Path) -> AsyncIterator[Account]:
    """The same."""
    async with running_woocommerce(folder) as sandbox:
        keys = {"consumer_key": "ck_1", "consumer_secret": "cs_1", "webhook_secret": "s"}
        shop = {"shop": "lumo-demo", **keys, "webhook_url": "http://a/"}
        await control(sandbox.base_url, "POST", "shops", shop)
        then = (datetime.now(UTC) - AGO).replace(tzinfo=None).isoformat(timespec="seconds")
        order = sample("woocommerce", date_modified_gmt=then)
        await control(sandbox.base_url, "PUT", "shops/lumo-demo/orders/9117", order)
        yield an_account(
            platform="woocommerce",
            shop_ref="lumo-demo.example",
            api_base_url=sandbox.shop_url("lumo-demo"),
            secrets=Secrets(webhook=("s",), access_token="ck_1:cs_1"),
        )


@pytest.mark.parametrize("a_shop", [a_shopify_shop, a_woocommerce_shop])
async def test_an_order_that_no_webhook_told_of_is_found_and_imported_once(
    tmp_path: Path, database: OrderDatabase, marketplaces: Mapping[str, Marketplace], a_shop: Any
) -> None:
    async with a_shop(tmp_path) as account:
        await connect(database, account)
        async with working(database, marketplaces):

            async def caught_up() -> bool:
                return await column(database, CAUGHT_UP) == [True]

            await eventually(caught_up)

    assert await column(database, "select platform from orders") == [account.platform]
    assert await column(database, "select failures from account_poll") == [0]


async def test_an_account_that_cannot_be_asked_is_neither_behind_nor_failing(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace], client: httpx.AsyncClient
) -> None:
    await connect(database, an_account(secrets=Secrets(webhook=("s",))))

    async with working(database, marketplaces):

        async def rests() -> bool:
            return await column(database, CAUGHT_UP) == [True]

        await eventually(rests)
    given = {"since": "2026-11-20T00:00:00Z", "reason": "to see"}
    refused = await client.post("/v1/accounts/lumo/backfill", json=given)

    assert await column(database, "select failures from account_poll") == [0]
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "not-polled")
