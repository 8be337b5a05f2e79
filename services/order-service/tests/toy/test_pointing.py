"""A notice that names an order: answered at once, fetched by a worker, imported once."""

import asyncio
import time

import httpx
import pytest

from order_service.persistence.transaction import OrderDatabase

from ..test_jobs import eventually
from ..test_journeys import column, published
from .conftest import Working
from .server import ToyServer
from .world import a_toy_account, all_settled, post, states, units

NOW = int(time.time())


@pytest.fixture(autouse=True)
def _nothing_is_listed(toy: ToyServer) -> None:
    toy.lists = False


async def test_an_order_that_is_only_named_is_fetched_and_imported(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", units=3)
    await a_toy_account(database, toy)

    answer = await post(client, "notice", {"id": "T-1"})
    kept = await states(database)
    async with working():
        await eventually(lambda: all_settled(database))

    assert (answer.status_code, answer.content) == (204, b"")
    assert kept == ["fetching"]
    assert await states(database) == ["imported"]
    assert await units(database, "T-1") == 3
    assert [topic for topic, _ in await published(database)] == ["order.created"]
    assert await column(database, "select count(*) from inbound_message join orders using (order_id)") == [1]


async def test_many_notices_of_one_order_need_two_fetches_at_most(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1")
    await a_toy_account(database, toy)
    answers = await asyncio.gather(*(post(client, "notice", {"id": "T-1"}) for _ in range(20)))

    async with working():
        await eventually(lambda: all_settled(database))

    assert {one.status_code for one in answers} == {204}
    assert toy.calls["/orders/T-1"] <= 2
    assert await column(database, "select count(distinct order_id) from inbound_message") == [1]
    assert [topic for topic, _ in await published(database)] == ["order.created"]


async def test_two_processes_that_fetch_one_order_make_one_order(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await a_toy_account(database, toy)
    for n in range(30):
        toy.put(f"T-{n % 5}")
        await post(client, "notice", {"id": f"T-{n % 5}"})

    async with working(), working():
        await eventually(lambda: all_settled(database))

    assert set(await states(database)) <= {"imported", "unchanged"}
    assert [topic for topic, _ in await published(database)] == ["order.created"] * 5


async def test_the_same_notice_twice_is_one(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer
) -> None:
    await a_toy_account(database, toy)

    for _ in range(2):
        await post(client, "notice", {"id": "T-1"}, named="n-1")

    assert await states(database) == ["fetching"]
    assert await column(database, "select count(*) from job") == [1]


async def test_an_old_notice_that_comes_late_costs_no_call(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", units=2, updated=NOW)
    await a_toy_account(database, toy)
    async with working():
        await post(client, "notice", {"id": "T-1", "updated": NOW})
        await eventually(lambda: all_settled(database))
        await post(client, "notice", {"id": "T-1", "updated": NOW - 60})
        await eventually(lambda: all_settled(database))

    assert await states(database) == ["imported", "stale"]
    assert toy.calls["/orders/T-1"] == 1


async def test_a_fetched_order_that_is_older_than_what_is_known_changes_nothing(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", units=2, updated=NOW - 60)
    await a_toy_account(database, toy)
    pushed = {"id": "T-1", "placed": NOW, "updated": NOW, "units": 5}
    await post(client, "order", pushed)

    async with working():
        await post(client, "notice", {"id": "T-1"})
        await eventually(lambda: all_settled(database))

    assert await states(database) == ["imported", "stale"]
    assert await units(database, "T-1") == 5


async def test_an_order_that_the_platform_does_not_show_waits_for_a_person_who_asks_again(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await a_toy_account(database, toy)
    await post(client, "notice", {"id": "T-1"})
    async with working():
        await eventually(lambda: all_settled(database))
        refused = await states(database), (await client.get("/v1/exceptions")).json()["items"]
        toy.put("T-1")
        (message,) = (await client.get("/v1/messages")).json()["items"]
        again = await client.post(
            f"/v1/messages/{message['message_id']}/reimport", json={"reason": "it is there now"}
        )
        await eventually(lambda: all_settled(database))

    assert refused[0] == ["failed"]
    assert [one["code"] for one in refused[1]] == ["fetch_refused"]
    assert message["error"] == "http_404"
    assert again.status_code == 202
    assert await states(database) == ["imported"]
    assert (await client.get("/v1/exceptions")).json()["items"] == []


async def test_a_platform_that_is_down_is_asked_again(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1")
    toy.fail["/orders/T-1"] = [503, 500]
    await a_toy_account(database, toy)
    await post(client, "notice", {"id": "T-1"})

    async with working():
        await eventually(lambda: all_settled(database))

    assert await states(database) == ["imported"]
