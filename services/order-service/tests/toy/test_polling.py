"""Nobody calls: the platform is asked what has changed, page by page."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from order_service.messaging.asking import Asking
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import Marketplace, Polling

from ..test_jobs import eventually
from ..test_journeys import column, published
from .conftest import Working
from .server import ToyServer
from .world import a_toy_account, all_settled, post, states, units

NOW = int(time.time())
ORDERS = "select external_id from orders order by external_id"
DONE = """
    select read_until > now() - interval '1 minute' and cursor is null from account_poll where way = 'changes'
"""


async def has_read_all(database: OrderDatabase) -> bool:
    return await column(database, DONE) == [True]


async def due_again(database: OrderDatabase) -> None:
    async with database.transaction() as tx:
        await tx.connection.execute(text("update account_poll set next_at = crossdock_now()"))


async def test_a_new_account_is_polled_page_by_page_from_before_it_was_connected(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    for n in range(5):
        toy.put(f"T-{n}")
    toy.put("T-old", updated=NOW - 7200)
    await a_toy_account(database, toy)

    async with working():
        await eventually(lambda: has_read_all(database))

    assert await column(database, ORDERS) == [f"T-{n}" for n in range(5)]
    assert [cursor for _, _, cursor in toy.spans] == ["0", "2", "4"]
    assert len({span[:2] for span in toy.spans}) == 1
    assert await column(database, "select distinct topic from inbound_message") == ["order"]


async def test_what_is_known_already_leaves_no_message(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1")
    await a_toy_account(database, toy)
    await post(client, "order", toy.orders["T-1"])

    async with working():
        await eventually(lambda: has_read_all(database))

    assert await states(database) == ["imported"]
    assert toy.calls["/orders"] == 1


async def test_what_a_call_had_told_and_was_lost_is_repaired(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", units=1, updated=NOW - 60)
    await a_toy_account(database, toy)
    await post(client, "order", toy.orders["T-1"])
    toy.put("T-1", units=4, updated=NOW - 30)

    async with working():
        await eventually(lambda: has_read_all(database))

    assert await units(database, "T-1") == 4
    assert [topic for topic, _ in await published(database)] == ["order.created", "order.changed"]


async def test_news_that_overtook_the_list_is_not_overwritten_by_it(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", units=1, updated=NOW - 60)
    await a_toy_account(database, toy)
    await post(client, "order", {**toy.orders["T-1"], "units": 7, "updated": NOW})

    async with working():
        await eventually(lambda: has_read_all(database))

    assert await units(database, "T-1") == 7
    assert await states(database) == ["imported"]


async def test_the_same_word_at_a_later_time_makes_older_words_stale(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1", units=1, updated=NOW - 60)
    await a_toy_account(database, toy)
    await post(client, "order", toy.orders["T-1"])
    toy.put("T-1", units=1, updated=NOW)
    async with working():
        await eventually(lambda: has_read_all(database))

    await post(client, "order", {**toy.orders["T-1"], "units": 9, "updated": NOW - 30})

    assert await units(database, "T-1") == 1
    assert await states(database) == ["imported", "stale"]


async def test_orders_that_are_only_named_are_fetched_once_each(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.only_names = True
    for n in range(3):
        toy.put(f"T-{n}")
    await a_toy_account(database, toy)

    async with working():
        for _ in range(2):
            await eventually(lambda: has_read_all(database))
            await eventually(lambda: _count(database, "select count(*) from orders", 3))
            await due_again(database)
        await eventually(lambda: has_read_all(database))
        await eventually(lambda: all_settled(database))

    assert await column(database, ORDERS) == ["T-0", "T-1", "T-2"]
    assert {toy.calls[f"/orders/T-{n}"] for n in range(3)} == {1}


async def _count(database: OrderDatabase, statement: str, expected: int) -> bool:
    return await column(database, statement) == [expected]


async def test_the_next_question_overlaps_with_the_last_one(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await a_toy_account(database, toy)
    async with working():
        await eventually(lambda: has_read_all(database))
        await due_again(database)
        await eventually(lambda: _asked(toy, 2))

    (_, first_until, _), (since, _, _) = toy.spans[:2]
    assert since == pytest.approx(first_until - 2, abs=0.01)


async def _asked(toy: ToyServer, times: int) -> bool:
    return len(toy.spans) >= times


async def test_however_many_processes_look_an_account_is_asked_by_one_at_a_time(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    for n in range(12):
        toy.put(f"T-{n:02}")
    await a_toy_account(database, toy)

    async with working(), working():
        await eventually(lambda: has_read_all(database), 40)

    assert [cursor for _, _, cursor in toy.spans[:6]] == [str(n) for n in range(0, 12, 2)]
    assert await column(database, "select count(*) from orders") == [12]
    assert await column(database, "select count(*) from inbound_message") == [12]


async def test_a_crash_after_a_page_repeats_the_page_and_changes_nothing(
    database: OrderDatabase,
    toy: ToyServer,
    marketplaces: Mapping[str, Marketplace],
    working: Working,
) -> None:
    for n in range(4):
        toy.put(f"T-{n}")
    await a_toy_account(database, toy)
    await Asking(database, marketplaces).ask()
    async with database.transaction() as holder:  # the page is kept, and that it is never comes to be written
        await holder.connection.execute(text("select 1 from account_poll for update"))
        async with working():
            await eventually(lambda: _count(database, "select count(*) from orders", 2))
            await asyncio.sleep(0.2)
    asked_before = [cursor for _, _, cursor in toy.spans]
    async with working():
        await eventually(lambda: has_read_all(database))

    assert asked_before == ["0"]
    assert [cursor for _, _, cursor in toy.spans][:3] == ["0", "0", "2"]
    assert await column(database, ORDERS) == [f"T-{n}" for n in range(4)]
    assert await column(database, "select count(*) from inbound_message") == [4]
    assert [topic for topic, _ in await published(database)] == ["order.created"] * 4


async def test_an_account_that_fails_backs_off_while_another_goes_on(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    toy.put("T-1")
    await a_toy_account(database, toy)
    broken = ToyServer(base_url="http://127.0.0.1:9")
    await a_toy_account(database, broken, "broken")

    async with working():
        await eventually(lambda: _count(database, "select count(*) from orders", 1))
        await eventually(lambda: _count(database, "select max(failures) from account_poll", 1))

    failed = "select account, last_error, next_at > crossdock_now() from account_poll"
    assert await column(database, "select account from orders") == ["bricks"]
    assert await column(
        database, f"select account from ({failed} where failures > 0 and way = 'changes') f"
    ) == ["broken"]


async def test_a_deactivated_account_is_not_asked(
    database: OrderDatabase, toy: ToyServer, marketplaces: Mapping[str, Marketplace]
) -> None:
    await a_toy_account(database, toy)
    async with database.transaction() as tx:
        await tx.connection.execute(text("update account set active = false"))

    await Asking(database, marketplaces).ask()

    assert await column(database, "select count(*) from job") == [0]


async def test_a_person_asks_for_a_span_and_sees_how_far_it_is(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    for days in range(5):
        toy.put(f"T-{days}", updated=NOW - 86_400 * days - 7200)
    await a_toy_account(database, toy)
    since = (datetime.now(UTC) - timedelta(days=3)).isoformat()

    answer = await client.post("/v1/accounts/bricks/backfill", json={"since": since, "reason": "was away"})
    async with working():
        await eventually(
            lambda: _count(database, "select count(*) from account_poll where next_at is null", 1)
        )
        await eventually(lambda: has_read_all(database))

    shown = (await client.get("/v1/accounts/bricks/status")).json()["polls"]
    (backfill,) = [one for one in shown if one["way"] == "backfill"]
    assert answer.status_code == 202
    assert backfill["poll_id"] == answer.json()["poll_id"]
    assert (backfill["read_until"], backfill["next_at"]) == (backfill["ends_at"], None)
    assert await column(database, ORDERS) == ["T-0", "T-1", "T-2"]
    assert max(until - begin for begin, until, _ in toy.spans) <= 86_400.01


@pytest.mark.parametrize(
    "span",
    [
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"since": "2026-01-02T00:00:00Z", "until": "2999-01-01T00:00:00Z"},
        {"since": "2020-01-02T00:00:00Z"},
        {"since": "2026-01-02T00:00:00"},
    ],
)
async def test_a_span_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, span: dict[str, str]
) -> None:
    await a_toy_account(database, toy)

    answer = await client.post("/v1/accounts/bricks/backfill", json={**span, "reason": "r"})

    assert answer.status_code == 422
    assert await column(database, "select count(*) from account_poll") == [0]


def test_a_folder_whose_polls_would_stand_still_is_broken() -> None:
    with pytest.raises(ValueError, match="overlap"):
        Polling(open_lister=lambda *_: None, overlap_s=60, longest_s=60)  # type: ignore[arg-type]
