import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from crossdock_chassis.migrations import SchemaState, head_revision, schema_state, upgrade
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase

from .conftest import MIGRATIONS


def engine_of(url: str) -> AsyncEngine:
    return create_async_engine(url, poolclass=pool.NullPool)


async def state_of(url: str, folder: Path = MIGRATIONS) -> SchemaState:
    """As the service's own role sees it."""
    async with engine_of(url).connect() as connection:
        return await schema_state(connection, folder)


@pytest.fixture
def empty(fresh_database: FreshDatabase) -> DatabaseUrls:
    return fresh_database("chassisempty")


async def test_a_database_is_behind_until_the_last_migration_has_run(empty: DatabaseUrls) -> None:
    before = await state_of(empty.app_url)
    await asyncio.to_thread(upgrade, MIGRATIONS, empty.owner_url, revision="0001")
    between = await state_of(empty.app_url)
    await asyncio.to_thread(upgrade, MIGRATIONS, empty.owner_url)
    after = await state_of(empty.app_url)

    assert before == SchemaState(None, behind=True)
    assert between == SchemaState("0001", behind=True)
    assert after == SchemaState("0002", behind=False)
    assert head_revision(MIGRATIONS) == "0002"


async def test_old_code_starts_on_a_database_that_newer_code_has_expanded(
    urls: DatabaseUrls, tmp_path: Path
) -> None:
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "versions" / "2026-11-21-1200_expand_first.py", tmp_path / "versions")

    assert await state_of(urls.app_url, tmp_path) == SchemaState("0002", behind=False)


async def test_upgrading_again_changes_nothing(urls: DatabaseUrls) -> None:
    await asyncio.to_thread(upgrade, MIGRATIONS, urls.owner_url)

    assert await state_of(urls.app_url) == SchemaState("0002", behind=False)


async def test_a_migration_does_not_queue_behind_a_lock_and_leaves_the_schema_as_it_was(
    urls: DatabaseUrls, tmp_path: Path
) -> None:
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "versions" / "2026-11-21-1400_contract_thing.py").write_text(
        "from alembic import op\n"
        "revision = '0003'\n"
        "down_revision = '0002'\n"
        "def upgrade():\n"
        "    op.execute('create table another (n integer)')\n"
        "    op.execute('drop table thing')\n"
    )
    async with engine_of(urls.app_url).connect() as reader:
        await reader.execute(text("select * from thing"))

        with pytest.raises(DBAPIError, match="lock timeout"):
            await asyncio.to_thread(upgrade, tmp_path, urls.owner_url, lock_timeout_s=1)

    assert await state_of(urls.app_url) == SchemaState("0002", behind=False)
    async with engine_of(urls.app_url).connect() as connection:
        assert (await connection.execute(text("select to_regclass('another')"))).scalar_one() is None
