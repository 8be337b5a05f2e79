"""A person who closes an account is looked for by an index, however many orders a merchant has."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from crossdock_cli.embedded.databases import DatabaseUrls
from order_service.persistence import erasing
from order_service.persistence.transaction import OrderDatabase

from .samples import an_account, shopify_body
from .test_journeys import connect, receive

ORDERS = 2000


async def fill(urls: DatabaseUrls) -> None:
    """Copies of the one order there is, each of another buyer."""
    engine = create_async_engine(urls.owner_url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(
            text(
                """
                insert into orders
                select (jsonb_populate_record(known, jsonb_build_object(
                    'order_id', gen_random_uuid(), 'external_id', n,
                    'people', jsonb_set(people, '{buyer,name}', to_jsonb('buyer ' || n))))).*
                from orders known, generate_series(1, :orders) n
                """
            ),
            {"orders": ORDERS},
        )
        await connection.execute(text("vacuum analyze orders"))
    await engine.dispose()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def test_a_buyers_orders_are_found_without_reading_those_of_others(
    database: OrderDatabase, urls: DatabaseUrls
) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    await fill(urls)
    wish = {"platform": "shopify", "merchant_id": "default", "names": ["buyer 7", "buyer 8"]}

    async with database.transaction() as tx:
        explain = text("explain (analyze, format json) " + erasing._FORGET.text)
        rows = await tx.connection.execute(explain.bindparams(bindparam("names", type_=ARRAY(Text))), wish)
        plan = list(nodes(rows.scalar_one()[0]["Plan"]))

    of_orders = [one for one in plan if one.get("Relation Name") == "orders"]
    assert "orders_buyer" in {one.get("Index Name") for one in plan}
    assert max(one["Actual Rows"] * one["Actual Loops"] for one in of_orders) == 2
    assert not [
        one for one in of_orders if one["Node Type"] == "Seq Scan" or one.get("Rows Removed by Filter")
    ]
