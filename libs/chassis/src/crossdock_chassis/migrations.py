"""Schema migrations: Alembic over asyncpg, one linear history per service, run by the owner's role."""

import asyncio
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine


def install_chassis_schema(connection: Connection) -> None:
    """Create the tables and functions every service needs. Called by the first migration of each service."""
    run_script(connection, files("crossdock_chassis").joinpath("schema.sql").read_text())


def run_script(connection: Connection, script: str) -> None:
    """Run several statements at once, as they stand in a file; the driver's extended protocol takes only one."""
    raw = connection.connection.dbapi_connection
    assert raw is not None, "a connected bind"
    connection.exec_driver_sql("select 1")  # SQLAlchemy sends BEGIN with its first statement, not before
    raw.run_async(lambda driver: driver.execute(script))  # type: ignore[attr-defined]  # asyncpg's adapter has it


def upgrade(folder: Path, url: str, *, revision: str = "head", lock_timeout_s: int = 5) -> None:
    """Bring the database at `url` (the owner's) to `revision`. Safe to repeat and to race: one runner at a time.

    `folder` holds `versions/`; env.py is the chassis's own.
    """
    config = Config()
    config.set_main_option("script_location", str(files("crossdock_chassis").joinpath("alembic_env")))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    config.attributes["lock_timeout_s"] = lock_timeout_s
    command.upgrade(config, revision)


def run_online(config: Config) -> None:
    """What env.py does: one connection, an advisory lock against a second runner, one transaction per migration."""
    asyncio.run(_run(config))


async def _run(config: Config) -> None:
    engine = create_async_engine(config.attributes["url"], poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, config)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, config: Config) -> None:
    from alembic import context

    connection.exec_driver_sql(f"set lock_timeout = '{int(config.attributes['lock_timeout_s'])}s'")
    connection.exec_driver_sql("select pg_advisory_lock(hashtext('crossdock migrations'))")
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
