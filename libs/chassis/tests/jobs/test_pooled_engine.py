from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_cli.embedded.databases import DatabaseUrls

PREPARED = "select name from pg_prepared_statements where statement not like '%pg_prepared%'"
MARK_DATABASE = """
    do $$ begin execute format('alter database %I set jit = on', current_database()); end $$
"""


async def left_behind(urls: DatabaseUrls, *, pooled: bool) -> tuple[list[str], str]:
    """What a session still has prepared after two transactions, and the `jit` it began with."""
    owner = open_engine(urls.owner_url)
    async with owner.begin() as connection:
        await connection.execute(text(MARK_DATABASE))
    await owner.dispose()
    engine = open_engine(urls.app_url, pool_size=1, max_overflow=0, pooled=pooled)
    database = Database(engine, Transaction)
    for reference in ("a", "b"):
        async with database.transaction() as tx:
            await tx.jobs.add("book", reference, merchant_id="default", destination="carrier", payload={})
    async with engine.connect() as connection:
        names = (await connection.execute(text(PREPARED))).scalars().all()
        jit = await connection.execute(text("select reset_val from pg_settings where name = 'jit'"))
        found = list(names), str(jit.scalar_one())
    await database.dispose()
    return found


async def test_behind_a_pooler_no_transaction_counts_on_what_another_has_set_or_prepared(
    urls: DatabaseUrls,
) -> None:
    assert await left_behind(urls, pooled=True) == ([], "on")


async def test_without_a_pooler_statements_are_kept_and_the_session_is_ours(urls: DatabaseUrls) -> None:
    kept, jit = await left_behind(urls, pooled=False)

    assert len(kept) > 0
    assert jit == "off"
