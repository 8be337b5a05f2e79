import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.http import add_token

from .demo import a_client


async def test_pages_follow_each_other_to_the_end_while_rows_come_in(database: Database[Transaction]) -> None:
    token = await add_token(database, name="console", merchant_id="default", scopes=["orders:read"])
    add = text("insert into effect (what) select 'x' from generate_series(1, :many)")
    async with database.transaction() as tx:
        await tx.connection.execute(add, {"many": 5})
    seen: list[int] = []
    cursor: str | None = None

    async with a_client(database) as client:
        client.headers["authorization"] = f"Bearer {token}"
        for _ in range(10):
            query = {"limit": "2"} if cursor is None else {"limit": "2", "cursor": cursor}
            page = (await client.get("/v1/effects", params=query)).json()
            seen += [one["n"] for one in page["items"]]
            cursor = page["next_cursor"]
            if len(seen) == 2:
                async with database.transaction() as tx:
                    await tx.connection.execute(add, {"many": 1})
            if cursor is None:
                break

    assert seen == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("cursor", ["%%", "bm90IGpzb24", "WyJhIl0", "WzFd", "WyIxIiwiMiJd", "é"])
async def test_a_cursor_that_is_not_ours_is_refused(database: Database[Transaction], cursor: str) -> None:
    token = await add_token(database, name="console", merchant_id="default", scopes=["orders:read"])

    async with a_client(database) as client:
        response = await client.get(
            "/v1/effects", params={"cursor": cursor}, headers={"authorization": f"Bearer {token}"}
        )

    assert response.status_code == 400
    assert response.json()["type"] == "/problems/invalid-cursor"


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_page_has_one_to_two_hundred_items(database: Database[Transaction], limit: str) -> None:
    token = await add_token(database, name="console", merchant_id="default", scopes=["orders:read"])

    async with a_client(database) as client:
        response = await client.get(
            "/v1/effects", params={"limit": limit}, headers={"authorization": f"Bearer {token}"}
        )

    assert response.status_code == 422
