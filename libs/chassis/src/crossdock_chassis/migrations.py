"""Schema migrations: Alembic over asyncpg, one linear history per service, run by the owner's role."""

import asyncio
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

#: How long a runner waits for another one to finish.
RACE_S = 300


def install_chassis_schema(connection: Connection) -> None:
    """Create the tables and functions every service needs. Called by the first migration of each service."""
    run_script(connection, files("crossdock_chassis").joinpath("schema.sql").read_text())


def run_script(connection: Connection, script: str) -> None:
    """Run several statements at once, as in a file; the driver's extended protocol takes only one."""
    raw = connection.connection.dbapi_connection
    if raw is None:
        raise ValueError("the connection is not open")
    connection.exec_driver_sql("select 1")  # SQLAlchemy sends BEGIN with its first statement, not before
    raw.run_async(lambda driver: driver.execute(script))


def upgrade(folder: Path, url: str, *, revision: str = "head", lock_timeout_s: int = 5) -> None:
    """Bring the database at `url` (the owner's, without a pooler) to `revision`. Safe to repeat and to race.

    Blocks, and runs an event loop of its own: from a running loop call it by `asyncio.to_thread`. A migration
    waits for a table's lock `lock_timeout_s` and no longer, so that traffic does not queue up behind it.
    """
    config = _config(folder)
    config.attributes["url"] = url
    config.attributes["lock_timeout_s"] = lock_timeout_s
    command.upgrade(config, revision)


def head_revision(folder: Path) -> str | None:
    """The newest migration in `folder`; None when it holds none. Two are an error of alembic's."""
    return ScriptDirectory.from_config(_config(folder)).get_current_head()


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database stands. Not `behind` when it was migrated for newer code than this: expansions fit."""

    revision: str | None
    behind: bool


async def schema_state(connection: AsyncConnection, folder: Path) -> SchemaState:
    """Compare the database with the migrations in `folder`. The runtime role may ask."""
    script = ScriptDirectory.from_config(_config(folder))
    revision = await current_revision(connection)
    known = {one.revision for one in script.walk_revisions()}
    head = script.get_current_head()
    return SchemaState(revision, head is not None and (revision is None or revision in known - {head}))


async def current_revision(connection: AsyncConnection) -> str | None:
    """The migration the database is at; None before the first."""
    if (await connection.execute(text("select to_regclass('alembic_version')"))).scalar_one() is None:
        return None
    found: str | None = (
        await connection.execute(text("select version_num from alembic_version"))
    ).scalar_one_or_none()
    return found


def _config(folder: Path) -> Config:
    """`folder` holds `versions/`; env.py is the chassis's own."""
    config = Config()
    for name, path in {
        "script_location": str(files("crossdock_chassis").joinpath("alembic_env")),
        "version_locations": str(folder / "versions"),
    }.items():
        config.set_main_option(name, path.replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def run_online(config: Config) -> None:
    """What env.py does: one connection, a lock against a second runner, a transaction per migration."""
    asyncio.run(_run(config))


async def _run(config: Config) -> None:
    engine = create_async_engine(config.attributes["url"], poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, config)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, config: Config) -> None:
    # The wait for another runner is as long as its migrations, the wait for a table is not.
    connection.exec_driver_sql(f"set lock_timeout = '{RACE_S}s'")
    connection.exec_driver_sql("select pg_advisory_lock(hashtext('crossdock migrations'))")
    connection.exec_driver_sql(f"set lock_timeout = '{int(config.attributes['lock_timeout_s'])}s'")
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
