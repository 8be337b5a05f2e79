import asyncio

import httpx
import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.http import add_token

from .demo import Gate, a_client

WISH = {"what": "ship", "units": 1}


async def headers_of(
    database: Database[Transaction], name: str = "console", key: str = "key-1"
) -> dict[str, str]:
    token = await add_token(
        database, name=name, merchant_id="default", scopes=["orders:write", "orders:read"]
    )
    return {"authorization": f"Bearer {token}", "idempotency-key": key}


async def effects(database: Database[Transaction]) -> int:
    async with database.transaction() as tx:
        count: int = (await tx.connection.execute(text("select count(*) from effect"))).scalar_one()
        return count


async def test_a_repeated_request_gets_the_first_answer_and_has_one_effect(
    database: Database[Transaction],
) -> None:
    headers = await headers_of(database)

    async with a_client(database) as client:
        first = await client.post("/v1/effects", json=WISH, headers=headers)
        second = await client.post("/v1/effects", json=WISH, headers=headers)

    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await effects(database) == 1


async def test_another_body_under_the_same_key_is_refused(database: Database[Transaction]) -> None:
    headers = await headers_of(database)

    async with a_client(database) as client:
        await client.post("/v1/effects", json=WISH, headers=headers)
        other = await client.post("/v1/effects", json={"what": "keep", "units": 1}, headers=headers)

    assert other.status_code == 422
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    assert await effects(database) == 1


async def test_a_key_belongs_to_who_uses_it(database: Database[Transaction]) -> None:
    mine, theirs = await headers_of(database, "mine"), await headers_of(database, "theirs")

    async with a_client(database) as client:
        answers = [await client.post("/v1/effects", json=WISH, headers=one) for one in (mine, theirs)]

    assert [one.status_code for one in answers] == [201, 201]
    assert await effects(database) == 2


async def test_while_the_first_is_running_the_second_is_told_at_once(database: Database[Transaction]) -> None:
    headers = await headers_of(database)
    gate = Gate()
    gate.open.clear()

    async with a_client(database, gate) as client:
        first = asyncio.create_task(client.post("/v1/effects", json=WISH, headers=headers))
        await gate.reached.wait()
        async with asyncio.timeout(1.5):  # well within the two seconds a row lock would be waited for
            second = await client.post("/v1/effects", json=WISH, headers=headers)
        gate.open.set()
        answer = await first
        third = await client.post("/v1/effects", json=WISH, headers=headers)

    assert second.status_code == 409
    assert second.json()["type"] == "/problems/idempotency-in-flight"
    assert answer.status_code == 201
    assert third.content == answer.content
    assert await effects(database) == 1


async def test_after_a_failure_in_between_neither_key_nor_effect_is_there_and_a_retry_does_the_work(
    database: Database[Transaction],
) -> None:
    headers = await headers_of(database)
    gate = Gate()
    gate.broken = True

    async with a_client(database, gate) as client:
        failed = await client.post("/v1/effects", json=WISH, headers=headers)
        left = await effects(database)
        gate.broken = False
        retried = await client.post("/v1/effects", json=WISH, headers=headers)

    assert failed.status_code == 500
    assert left == 0
    assert retried.status_code == 201
    assert "idempotency-replayed" not in retried.headers
    assert await effects(database) == 1


async def test_a_key_is_remembered_with_its_effect_or_not_at_all(database: Database[Transaction]) -> None:
    headers = await headers_of(database)
    gate = Gate()
    gate.broken_at_the_end = True

    async with a_client(database, gate) as client:
        failed = await client.post("/v1/effects", json=WISH, headers=headers)
        gate.broken_at_the_end = False
        retried = await client.post("/v1/effects", json=WISH, headers=headers)

    assert (failed.status_code, retried.status_code) == (500, 201)
    assert "idempotency-replayed" not in retried.headers
    assert await effects(database) == 1


async def test_a_key_is_forgotten_after_a_day(database: Database[Transaction]) -> None:
    headers = await headers_of(database)

    async with a_client(database) as client:
        await client.post("/v1/effects", json=WISH, headers=headers)
        async with database.transaction() as tx:
            await tx.connection.execute(
                text("update idempotency_key set created_at = created_at - interval '24 hours 1 s'")
            )
        again = await client.post("/v1/effects", json=WISH, headers=headers)
        replayed = await client.post("/v1/effects", json=WISH, headers=headers)

    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers
    assert replayed.content == again.content
    assert await effects(database) == 2


async def test_without_a_key_every_request_counts(database: Database[Transaction]) -> None:
    headers = await headers_of(database)
    del headers["idempotency-key"]

    async with a_client(database) as client:
        answers = [await client.post("/v1/effects", json=WISH, headers=headers) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 201]
    assert await effects(database) == 2


@pytest.mark.parametrize("key", ["", "has a space", "x" * 256])
async def test_a_key_of_another_form_is_refused(database: Database[Transaction], key: str) -> None:
    headers = await headers_of(database, key=key)

    async with a_client(database) as client:
        response: httpx.Response = await client.post("/v1/effects", json=WISH, headers=headers)

    assert response.status_code == 422
    assert response.json()["errors"][0]["path"] == "header.Idempotency-Key"
    assert await effects(database) == 0
