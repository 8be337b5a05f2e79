"""Two versions of one second: the platform is asked, and its answer is the order."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.jobs import Destination
from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.messaging.jobs import MarketplaceJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace, MarketplaceRefused, MarketplaceUnavailable

from .samples import Unmetered, an_account, shopify_body
from .test_jobs import eventually
from .test_journeys import column, connect, receive, the_order


def answering(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """A client of a shop that gives one answer to everything."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body, headers=headers))
    return httpx.AsyncClient(transport=transport)


def a_gateway(http: httpx.AsyncClient) -> ShopifyGateway:
    return ShopifyGateway(http, an_account(), Unmetered(), api_version="2026-10", timeout_s=5)


async def fetched(database: OrderDatabase, marketplace: Marketplace, http: httpx.AsyncClient) -> None:
    """Run the job that asks, until it is done."""
    asking = {"shopify": replace(marketplace, open_gateway=lambda *_: a_gateway(http))}
    jobs = MarketplaceJobs(database, asking, Retention())
    runner = JobRunner(database, jobs.handlers(), [Destination("shopify")])
    task = asyncio.create_task(runner.run())

    async def settled() -> bool:
        return (await column(database, "select state from job"))[0] in {"done", "refused"}

    await eventually(settled)
    await runner.stop()
    await task


async def test_the_platforms_answer_wins_over_what_was_there(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    await receive(database, an_account(), shopify_body(financial_status="pending"))

    truth = {"order": shopify_body(financial_status="pending")}
    await fetched(database, marketplaces["shopify"], answering(200, truth))

    assert (await the_order(database)).status == "held"
    assert await column(database, "select state from inbound_message order by message_id") == ["imported"] * 2


async def test_a_platform_that_does_not_show_the_order_leaves_it_to_a_person(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    await receive(database, an_account(), shopify_body(financial_status="pending"))

    await fetched(database, marketplaces["shopify"], answering(404, {"errors": "Not Found"}))

    assert (await the_order(database)).status == "open"
    assert await column(database, "select code from order_exception") == ["fetch_refused"]


async def test_an_order_comes_without_its_wrapper() -> None:
    body = await a_gateway(answering(200, {"order": {"id": 1}})).fetch_order("1")

    assert json.loads(body) == {"id": 1}


async def test_slow_down_says_when_to_come_again() -> None:
    with pytest.raises(MarketplaceUnavailable) as error:
        await a_gateway(answering(429, {}, {"Retry-After": "7"})).fetch_order("1")

    assert error.value.retry_after_s == 7


@pytest.mark.parametrize("status", [302, 401, 403, 404])
async def test_a_plain_no_is_a_refusal(status: int) -> None:
    with pytest.raises(MarketplaceRefused, match=f"http_{status}"):
        await a_gateway(answering(status, {})).fetch_order("1")
