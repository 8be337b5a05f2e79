"""The address that the marketplace calls: what is prepared for it, what it is answered."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from order_service.adapters.marketplaces import __path__ as members
from order_service.api.app import build_app
from order_service.api.routes import webhooks
from order_service.messaging import HANDLERS
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account

from .server import KEY, ToyServer
from .world import URL, a_toy_account, post, states


def test_a_member_is_a_folder_and_nothing_else(marketplaces: Mapping[str, Marketplace]) -> None:
    assert list(marketplaces) == ["toy"]
    assert not any("toy_members" in one for one in members)


async def test_a_wrong_signature_is_refused_with_the_status_that_the_platform_wants(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer
) -> None:
    await a_toy_account(database, toy)

    answer = await post(client, "notice", {"id": "T-1"}, key="wrong")

    assert (answer.status_code, answer.content) == (412, b"")
    assert await states(database) == []


async def test_the_platforms_key_is_fetched_once(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer
) -> None:
    await a_toy_account(database, toy)

    answers = [(await post(client, "notice", {"id": "T-1"})).status_code for _ in range(3)]

    assert answers == [204, 204, 204]
    assert toy.calls["/key"] == 1


async def test_without_the_platforms_key_a_delivery_is_to_be_repeated(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer
) -> None:
    toy.fail["/key"] = [500]
    await a_toy_account(database, toy)

    answers = [(await post(client, "notice", {"id": "T-1"}, named="n-1")).status_code for _ in range(2)]

    assert answers == [503, 204]
    assert await states(database) == ["fetching"]


async def test_a_key_that_does_not_come_keeps_nobody_waiting(
    database: OrderDatabase,
    toy: ToyServer,
    marketplaces: Mapping[str, Marketplace],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def forever(account: Account, headers: Mapping[str, str]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(webhooks, "PREPARE_S", 0.05)
    await a_toy_account(database, toy)
    slow = {"toy": replace(marketplaces["toy"], prepare=forever)}
    app = build_app(database, slow, Retention(), HANDLERS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://order") as client:
        answer = await post(client, "notice", {"id": "T-1"})

    assert answer.status_code == 503


async def test_who_tries_the_address_out_is_answered(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer
) -> None:
    await a_toy_account(database, toy)

    answer = await client.get(URL, params={"challenge": "c"})

    assert answer.json() == {"proof": hashlib.sha256(f"c{KEY}".encode()).hexdigest()}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "url",
    [URL, "/webhooks/toy/nobody?challenge=c", "/webhooks/nowhere/bricks?challenge=c"],
)
async def test_there_is_nothing_else_to_be_read_there(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, url: str
) -> None:
    await a_toy_account(database, toy)

    answer = await client.get(url)

    assert (answer.status_code, answer.content) == (404, b"")


async def test_a_notice_that_only_its_queue_proves_is_not_taken_from_whoever_posts_it(
    client: httpx.AsyncClient,
    database: OrderDatabase,
    toy: ToyServer,
    marketplaces: Mapping[str, Marketplace],
) -> None:
    await a_toy_account(database, toy)
    unsigned = {"toy": replace(marketplaces["toy"], signed=False)}
    app = build_app(database, unsigned, Retention(), HANDLERS)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://order") as anybody:
        answer = await post(anybody, "notice", {"id": "T-1"})

    assert (answer.status_code, await states(database)) == (401, [])
