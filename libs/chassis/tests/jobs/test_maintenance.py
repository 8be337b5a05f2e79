import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.ids import new_id
from crossdock_chassis.maintenance import Maintenance, MaintenanceBounds, default_partitions_in_use

PARTITIONS = """
    select inhrelid::regclass::text as name from pg_inherits
    where inhparent in ('event_log'::regclass, 'inbox'::regclass) order by 1
"""


async def sql(database: Database[Transaction], statement: str, **values: Any) -> Sequence[Any]:
    async with database.transaction() as tx:
        result = await tx.connection.execute(text(statement), values)
        return result.all() if result.returns_rows else []


async def days(database: Database[Transaction], offset: str) -> str:
    [row] = await sql(
        database, f"select to_char((now() at time zone 'UTC')::date + {offset}, 'YYYYMMDD') as day"
    )
    return str(row.day)


async def test_partitions_are_made_for_the_days_ahead(database: Database[Transaction]) -> None:
    well = await Maintenance(database, MaintenanceBounds(partition_days_ahead=9)).run_once()

    names = {row.name for row in await sql(database, PARTITIONS)}
    assert well
    assert {f"event_log_{await days(database, '9')}", f"inbox_{await days(database, '9')}"} <= names
    assert f"inbox_{await days(database, '10')}" not in names


async def test_an_event_of_now_lies_in_the_partition_of_today(database: Database[Transaction]) -> None:
    await sql(database, "insert into inbox (event_id, consumer) values (:id, 'order')", id=new_id())

    [row] = await sql(database, "select tableoid::regclass::text as name from inbox")
    assert row.name == f"inbox_{await days(database, '0')}"


async def test_partitions_are_dropped_when_they_are_old_enough(
    database: Database[Transaction], postgres: Any, urls: Any
) -> None:
    name = urls.app_url.rsplit("/", 1)[1]
    for age in (13, 14, 15, 16, 17):
        day = await days(database, f"-{age}")
        for table, low, high in (
            ("event_log", f"{day} 00:00+00", f"{day} 23:59+00"),
            ("inbox", f"{age:08d}-0000-0000-0000-000000000000", f"{age:08d}-0000-0000-0000-000000000009"),
        ):
            postgres.sql(
                f"create table {table}_{day} partition of {table} for values from ('{low}') to ('{high}');"
                f"alter table {table}_{day} owner to chassis_owner",
                database=name,
            )

    well = await Maintenance(database).run_once()

    names = {row.name for row in await sql(database, PARTITIONS)}
    left = {
        (table, age)
        for table in ("event_log", "inbox")
        for age in (13, 14, 15, 16, 17)
        if f"{table}_{await days(database, f'-{age}')}" in names
    }
    assert well
    assert left == {("event_log", 13), ("event_log", 14)} | {("inbox", age) for age in (13, 14, 15, 16)}


async def test_a_default_partition_in_use_is_seen_and_does_not_stop_the_other_days(
    database: Database[Transaction], postgres: Any, urls: Any
) -> None:
    name = urls.app_url.rsplit("/", 1)[1]
    for offset in ("6", "7"):
        day = await days(database, offset)
        postgres.sql(f"drop table inbox_{day}; drop table event_log_{day}", database=name)
    [row] = await sql(database, "select extract(epoch from now() + interval '6 days')::bigint as at")
    future_id = f"{int(row.at) * 1000:012x}"
    await sql(
        database,
        "insert into inbox (event_id, consumer) values (cast(:id as uuid), 'order')",
        id=future_id + "7" * 20,
    )

    await Maintenance(database).run_once()

    names = {row.name for row in await sql(database, PARTITIONS)}
    assert f"inbox_{await days(database, '6')}" not in names
    assert f"inbox_{await days(database, '7')}" in names
    async with database.transaction() as tx:
        assert await default_partitions_in_use(tx.connection) == {"event_log": False, "inbox": True}


async def test_idempotency_keys_go_after_a_day_in_slices(database: Database[Transaction]) -> None:
    for age, keys in (("25 hours", 25), ("23 hours", 5)):
        await sql(
            database,
            f"""
            insert into idempotency_key (principal, method, path, key, body_sha256, created_at)
            select 'p', 'POST', '/v1/orders', '{age}' || n, '', now() - interval '{age}'
            from generate_series(1, {keys}) as n
            """,
        )

    await Maintenance(database, MaintenanceBounds(slice_rows=10)).run_once()

    rows = await sql(database, "select key from idempotency_key")
    assert len(rows) == 5
    assert all(row.key.startswith("23") for row in rows)


@pytest.mark.parametrize(
    ("state", "made_days_ago", "settled_days_ago", "kept"),
    [
        ("done", 40, 31, False),
        ("done", 40, 29, True),
        ("done", 29, 29, True),
        ("refused", 90, 89, True),
        ("needs_person", 90, 89, True),
    ],
)
async def test_jobs_go_thirty_days_after_they_were_done(
    database: Database[Transaction], state: str, made_days_ago: int, settled_days_ago: int, kept: bool
) -> None:
    [row] = await sql(database, f"select extract(epoch from now())::bigint - {made_days_ago} * 86400 as at")
    await sql(
        database,
        f"""
        insert into job (job_id, merchant_id, kind, reference, destination, payload, run_at, state,
                         settled_at)
        values (cast(:id as uuid), 'default', 'book', 's-1', 'carrier', '{{}}', now(), '{state}',
                now() - interval '{settled_days_ago} days')
        """,
        id=f"{int(row.at) * 1000:012x}" + uuid4().hex[12:],
    )

    await Maintenance(database).run_once()

    assert bool(await sql(database, "select job_id from job")) is kept


async def test_one_process_keeps_house_at_a_time(database: Database[Transaction]) -> None:
    await sql(
        database,
        "insert into idempotency_key (principal, method, path, key, body_sha256, created_at)"
        " values ('p', 'POST', '/', 'k', '', now() - interval '2 days')",
    )

    async with database.transaction() as tx:
        await tx.connection.execute(
            text("select pg_advisory_xact_lock(hashtextextended('crossdock maintenance', 0))")
        )
        assert await Maintenance(database).run_once()
        assert len(await sql(database, "select key from idempotency_key")) == 1
    assert await Maintenance(database).run_once()
    assert await sql(database, "select key from idempotency_key") == []


async def test_a_step_that_fails_keeps_the_others_from_nothing_and_is_tried_again_soon(
    database: Database[Transaction], postgres: Any, urls: Any
) -> None:
    name = urls.app_url.rsplit("/", 1)[1]
    postgres.sql("alter function crossdock_make_partitions rename to taken_away", database=name)
    await sql(
        database,
        "insert into idempotency_key (principal, method, path, key, body_sha256, created_at)"
        " values ('p', 'POST', '/', 'k', '', now() - interval '2 days')",
    )
    maintenance = Maintenance(database, MaintenanceBounds(every_s=600, retry_s=0.05))
    task = asyncio.create_task(maintenance.run())

    async with asyncio.timeout(5):
        while await sql(database, "select key from idempotency_key"):  # noqa: ASYNC110  # it runs beside us
            await asyncio.sleep(0.02)
        postgres.sql("alter function taken_away rename to crossdock_make_partitions", database=name)
        await maintenance.stop()
    await task
