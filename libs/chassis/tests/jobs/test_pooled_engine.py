from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_cli.embedded.databases import DatabaseUrls

PREPARED = "select name from pg_prepared_statements where statement not like '%pg_prepared%'"


async def left_behind(url: str, *, pooled: bool) -> tuple[list[str], str]:
    """What a session still has prepared after two transactions, and the `jit` it began with."""
    database = Database(open_engine(url, pool_size=1, max_overflow=0, pooled=pooled), Transaction)
    for reference in ("a", "b"):
        async with database.transaction() as tx:
            await tx.jobs.add("book", reference, merchant_id="default", destination="carrier", payload={})
    async with database.engine.connect() as connection:
        names = (await connection.execute(text(PREPARED))).scalars().all()
        jit = await connection.execute(text("select reset_val from pg_settings where name = 'jit'"))
        found = list(names), str(jit.scalar_one())
    await database.dispose()
    return found


async def test_behind_a_pooler_no_transaction_counts_on_what_another_has_prepared(
    urls: DatabaseUrls,
) -> None:
    kept, jit = await left_behind(urls.app_url, pooled=True)

    assert kept == []
    assert jit == "on"


async def test_without_a_pooler_statements_are_prepared_once(urls: DatabaseUrls) -> None:
    kept, jit = await left_behind(urls.app_url, pooled=False)

    assert len(kept) > 0
    assert jit == "off"
