"""Notices that wait in a queue: kept, then taken off."""

import json

import httpx

from order_service.persistence.transaction import OrderDatabase

from ..test_jobs import eventually
from ..test_journeys import column
from .conftest import Working
from .server import ToyServer
from .world import a_toy_account, signed, states


def queued(said: object, *, key: str = "", handle: str = "h", **more: str) -> dict[str, object]:
    body = json.dumps(said)
    headers = signed(body.encode(), "notice", **more)
    return {"handle": handle, "headers": headers, "body": body}


async def is_empty(toy: ToyServer) -> bool:
    return not toy.queue


async def test_a_notice_from_the_queue_is_kept_then_taken_off_and_its_order_fetched(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", updated=0)
    toy.queue = [queued({"id": "T-1"}, named="n-1")]
    await a_toy_account(database, toy)

    async with working():
        await eventually(lambda: is_empty(toy))
        await eventually(lambda: _imported(database))

    assert await column(database, "select dedupe_key from inbound_message") == ["n-1"]


async def _imported(database: OrderDatabase) -> bool:
    return await states(database) == ["imported"]


async def test_a_notice_that_was_not_taken_off_is_kept_once(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.fail["/queue/removed"] = [503]
    toy.put("T-1", updated=0)
    toy.queue = [queued({"id": "T-1"}, named="n-1")]
    await a_toy_account(database, toy)

    async with working():
        await eventually(lambda: is_empty(toy))

    assert toy.calls["/queue/removed"] == 2
    assert await column(database, "select count(*) from inbound_message") == [1]


async def test_a_notice_that_nobody_understands_is_kept_for_a_person_and_stops_no_other(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    forged = {**queued({"id": "T-9"}, handle="h-1"), "headers": {}}
    broken = queued({"no": "id"}, handle="h-2")
    toy.put("T-1", updated=0)
    toy.queue = [forged, broken, queued({"id": "T-1"}, handle="h-3")]
    await a_toy_account(database, toy)

    async with working():
        await eventually(lambda: is_empty(toy))

    failed = (await client.get("/v1/messages", params={"state": "failed"})).json()["items"]
    assert {one["error"] for one in failed} == {"queue: NotAuthentic", "KeyError"}
    assert await column(database, "select count(*) from inbound_message") == [3]
