import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.http import add_token, list_tokens, revoke_token
from crossdock_chassis.http.auth import CACHE_S, Principal, Tokens

from .demo import a_client


async def a_token(database: Database[Transaction], *scopes: str, merchant: str = "default") -> str:
    return await add_token(database, name="console", merchant_id=merchant, scopes=scopes or ["orders:read"])


async def test_a_token_opens_what_its_scopes_name_and_no_more(database: Database[Transaction]) -> None:
    headers = {"authorization": f"Bearer {await a_token(database, 'orders:read')}"}

    async with a_client(database) as client:
        allowed = await client.get("/v1/effects", headers=headers)
        refused = await client.post("/v1/effects", headers=headers, json={"what": "a", "units": 1})

    assert allowed.status_code == 200
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/missing-scope"


async def test_every_failure_gets_the_same_answer(database: Database[Transaction]) -> None:
    revoked = await a_token(database)
    await revoke_token(database, name="console", merchant_id="default")
    expired = await a_token(database)
    async with database.transaction() as tx:
        await tx.connection.execute(
            text("update api_token set expires_at = now() - interval '1 s' where revoked_at is null")
        )
    good = await a_token(database)
    headers = [
        {},
        {"authorization": "Bearer"},
        {"authorization": f"Basic {good}"},
        {"authorization": "Bearer cd_short"},
        {"authorization": f"Bearer cd_{'a' * 43}"},
        {"authorization": f"Bearer {revoked}"},
        {"authorization": f"Bearer {expired}"},
    ]

    async with a_client(database) as client:
        answers = [await client.get("/v1/effects", headers=one) for one in headers]

    assert {one.status_code for one in answers} == {401}
    assert {one.headers["www-authenticate"] for one in answers} == {"Bearer"}
    documents = [{**one.json(), "trace_id": ""} for one in answers]
    assert all(one == documents[0] for one in documents)


async def test_a_revoked_token_is_refused_within_five_seconds(database: Database[Transaction]) -> None:
    now = 100.0
    tokens = Tokens(database, clock=lambda: now)
    token = await a_token(database)
    assert await tokens.find(token) == Principal("console", "default", frozenset({"orders:read"}))

    await revoke_token(database, name="console", merchant_id="default")

    assert await tokens.find(token) is not None  # remembered
    now += CACHE_S
    assert await tokens.find(token) is None
    assert CACHE_S < 5


async def test_the_database_holds_no_token_and_the_list_shows_none(database: Database[Transaction]) -> None:
    token = await a_token(database, "orders:write", "orders:read", merchant="m-2")

    async with database.transaction() as tx:
        stored = (await tx.connection.execute(text("select api_token::text from api_token"))).scalars().all()
    listed = await list_tokens(database)

    assert token.startswith("cd_")
    assert len(token) == 46
    assert all(token[3:] not in row for row in stored)
    assert token not in repr(listed)
    assert [(one.name, one.merchant_id, one.scopes) for one in listed] == [
        ("console", "m-2", ("orders:read", "orders:write"))
    ]


async def test_a_token_made_elsewhere_is_stored_once(database: Database[Transaction]) -> None:
    token = f"cd_{'b' * 43}"

    for name in ("first", "second"):
        await add_token(database, name=name, merchant_id="default", scopes=["stock:read"], token=token)

    assert [one.name for one in await list_tokens(database)] == ["second"]
    principal = await Tokens(database).find(token)
    assert principal is not None
    assert principal.token_name == "second"


async def test_a_scope_or_token_of_another_form_is_refused(database: Database[Transaction]) -> None:
    with pytest.raises(ValueError, match="orders:own"):
        await a_token(database, "orders:own")
    with pytest.raises(ValueError, match="32 bytes"):
        await add_token(database, name="n", merchant_id="m", scopes=["a:read"], token="cd_weak")
