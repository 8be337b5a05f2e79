"""Access tokens run out: one refresh for an account, whoever meets their end."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text
from structlog.testing import capture_logs

from order_service.persistence.sealing import CannotUnseal, Sealer
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.ports import Account, Tokens

from ..test_jobs import eventually
from ..test_journeys import column
from .conftest import Working
from .server import ToyServer
from .world import a_toy_account, all_settled, post, states

VERSION = "select version from account_token"
USED_UP = """
    insert into account_quota values ('default', 'bricks', 'fetch', 0, clock_timestamp(), 0.01)
"""


def lasting(hours: float, n: int = 0) -> Tokens:
    return Tokens(f"a{n}", datetime.now(UTC) + timedelta(hours=hours), f"r{n}")


async def give(database: OrderDatabase, account: Account, tokens: Tokens) -> None:
    async with database.transaction() as tx:
        await tx.tokens.give(account, tokens)


async def an_authorised_account(
    database: OrderDatabase, toy: ToyServer, tokens: Tokens | None = None
) -> Account:
    """With tokens that the server takes no longer, unless they are given."""
    account = await a_toy_account(database, toy)
    await give(database, account, tokens or lasting(1))
    toy.good_access = {"a0"} if tokens else set()
    return account


async def imported(database: OrderDatabase, times: int) -> bool:
    return await states(database) == ["imported"] * times


async def test_calls_that_meet_the_end_of_a_token_wait_for_one_refresh(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await an_authorised_account(database, toy)
    for n in range(8):
        toy.put(f"T-{n}", updated=0)
        await post(client, "notice", {"id": f"T-{n}"})

    async with working(), working():
        await eventually(lambda: imported(database, 8), 30)

    assert toy.calls["/token"] == 1
    assert await column(database, "select max(attempts) from job where kind = 'marketplace.fetch_order'") == [
        1
    ]
    assert await column(database, "select count(*) from job_pause") == [0]


async def test_a_token_is_replaced_before_it_runs_out(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await an_authorised_account(database, toy, lasting(0.01))

    async def replaced() -> bool:
        return await column(database, VERSION) == [2]

    async with working(), working():
        await eventually(replaced)
        await asyncio.sleep(0.5)

    assert toy.calls["/token"] == 1
    assert await column(database, "select expires_at > now() + interval '50 minutes' from account_token") == [
        True
    ]


async def test_when_new_tokens_are_refused_too_no_more_are_bought(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await an_authorised_account(database, toy)
    toy.refuses_all = True
    await post(client, "notice", {"id": "T-1"})

    async def tried_again() -> bool:
        tries = "select attempts > 2 from job where kind = 'marketplace.fetch_order'"
        return await column(database, tries) == [True]

    async with working():
        await eventually(tried_again)

    assert toy.calls["/token"] == 1


async def test_a_lost_answer_is_asked_for_again(
    database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await an_authorised_account(database, toy, lasting(0.01))
    toy.lose_unanswered.add("/token")

    async def replaced() -> bool:
        return await column(database, VERSION) == [2]

    async with working():
        await eventually(replaced)

    assert toy.calls["/token"] == 2


async def test_when_the_only_answer_was_lost_a_person_authorises_the_account_anew(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await an_authorised_account(database, toy)
    toy.lose.add("/token")
    toy.put("T-1", updated=0)
    await post(client, "notice", {"id": "T-1"})

    async def refused() -> bool:
        found = (await client.get("/v1/accounts/bricks")).json()
        return bool(found["refused_because"] == "refresh_token_refused")

    with capture_logs() as logs:
        async with working():
            await eventually(refused)
            waiting = await states(database), (await client.get("/v1/accounts/bricks/status")).json()
            later = await post(client, "notice", {"id": "T-1"})
            toy.good_access.add("a7")
            body = {"access_token": "a7", "expires_at": "2999-01-01T00:00:00Z", "refresh_token": "r7"}
            given = await client.put("/v1/accounts/bricks/tokens", json=body)
            await eventually(lambda: all_settled(database))

    assert waiting[0] == ["fetching"]
    assert waiting[1]["paused"] == "waits for a new access token"
    assert (later.status_code, given.status_code) == (204, 204)
    assert await states(database) == ["imported", "imported"]
    (told,) = [one for one in logs if one["event"] == "account.authorisation_refused"]
    assert told["log_level"] == "error"
    assert (await client.get("/v1/accounts/bricks")).json()["refused_because"] is None


async def test_another_account_goes_on_while_one_is_refused(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    account = await an_authorised_account(database, toy, lasting(1))
    other = await a_toy_account(database, toy, "other")
    await give(database, other, Tokens("gone", datetime.now(UTC) + timedelta(hours=1), "gone"))
    toy.put("T-1")

    async with working():
        await eventually(lambda: _ordered(database, account.account))
        await eventually(lambda: _refused(database, "other"))

    assert await column(database, "select account from orders") == ["bricks"]


async def _ordered(database: OrderDatabase, account: str) -> bool:
    return await column(database, "select account from orders") == [account]


async def _refused(database: OrderDatabase, account: str) -> bool:
    statement = "select account from account_token where refused_because is not null"
    return await column(database, statement) == [account]


async def test_new_credentials_let_a_refused_account_try_again(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    account = await a_toy_account(database, toy, first="wrong")
    toy.good_access = set()
    toy.put("T-1", updated=0)
    await post(client, "notice", {"id": "T-1"})
    async with working():
        await eventually(lambda: _refused(database, account.account))
        changed = {"secrets": {}, "access_token": "r0", "reason": "rotated there"}
        answer = await client.post("/v1/accounts/bricks/rotation", json=changed)
        await eventually(lambda: all_settled(database))

    assert answer.status_code == 200
    assert await states(database) == ["imported"]


async def test_an_account_that_a_person_paused_stays_paused_when_its_token_comes(
    database: OrderDatabase, toy: ToyServer
) -> None:
    account = await an_authorised_account(database, toy)
    async with database.transaction() as tx:
        await tx.jobs.pause(account.destination, because="stock-taking")
    async with database.transaction() as tx:
        await tx.tokens.await_next(await tx.accounts.get("default", "bricks"))
    async with database.transaction() as tx:
        await tx.tokens.store(await tx.accounts.get("default", "bricks"), lasting(1, 5))

    assert await column(database, "select because from job_pause") == ["stock-taking"]


async def test_who_finds_an_old_token_expired_pauses_nothing_when_there_is_a_newer_one(
    database: OrderDatabase, toy: ToyServer
) -> None:
    before = await an_authorised_account(database, toy)
    async with database.transaction() as tx:
        await tx.tokens.await_next(before)

    assert await column(database, "select count(*) from job_pause") == [0]
    assert await column(database, "select count(*) from job") == [0]


async def test_what_an_old_refresh_brings_late_does_not_overwrite_newer_tokens(
    database: OrderDatabase, toy: ToyServer
) -> None:
    await an_authorised_account(database, toy)
    async with database.transaction() as tx:
        old = await tx.accounts.get("default", "bricks")
    await give(database, old, lasting(1, 9))
    async with database.transaction() as tx:
        await tx.tokens.store(old, lasting(1, 5))

    async with database.transaction() as tx:
        kept = (await tx.accounts.get("default", "bricks")).tokens
    assert kept is not None
    assert kept.access_token == "a9"


def test_sealed_tokens_open_for_nothing_else() -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal_tokens(lasting(1), merchant_id="m", account="a")

    assert sealer.open_tokens(sealed, merchant_id="m", account="a").access_token == "a0"
    with pytest.raises(CannotUnseal) as refused:
        sealer.open_tokens(sealed, merchant_id="m", account="b")
    assert isinstance(refused.value.__cause__, InvalidTag)
    with pytest.raises(CannotUnseal):
        sealer.open(sealed, merchant_id="m", account="a")


async def test_no_token_lies_readable_in_the_database(database: OrderDatabase, toy: ToyServer) -> None:
    account = await a_toy_account(database, toy)
    await give(database, account, Tokens("hidden-access", datetime.now(UTC), "hidden-refresh"))
    async with database.transaction() as tx:
        account = await tx.accounts.get("default", "bricks")

    (sealed,) = await column(database, "select sealed from account_token")

    assert b"hidden" not in sealed
    assert "hidden" not in repr(account)


async def test_jobs_that_wait_for_a_quota_are_shown_with_the_time_they_need(
    client: httpx.AsyncClient, database: OrderDatabase, toy: ToyServer, working: Working
) -> None:
    await a_toy_account(database, toy)
    async with database.transaction() as tx:  # the platform has said that it takes a call in 100 seconds
        await tx.connection.execute(text(USED_UP))
    for n in range(10):
        toy.put(f"T-{n}", updated=0)
        await post(client, "notice", {"id": f"T-{n}"})

    async def all_wait() -> bool:
        backlog = (await client.get("/v1/accounts/bricks/status")).json()["backlog"]
        return any(one["jobs"] == 10 for one in backlog)

    async with working():
        await eventually(all_wait)
        shown = (await client.get("/v1/accounts/bricks/status")).json()["backlog"]

    (fetch,) = [one for one in shown if one["operation"] == "fetch"]
    assert fetch["seconds_left"] == pytest.approx(1000)
    assert {one["jobs"] for one in shown if one["operation"] == "search"} == {0}
    assert await column(database, "select max(attempts) from job where kind = 'marketplace.fetch_order'") == [
        0
    ]
    spread = "select extract(epoch from max(run_at) - min(run_at))::float from job where state = 'ready'"
    assert (await column(database, spread))[0] > 100
