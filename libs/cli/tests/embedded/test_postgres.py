"""PostgreSQL as our child: it survives a crash, refuses strangers, and says what to do when it cannot run."""

import asyncio
import os
import re
import signal
import socket
import stat
from pathlib import Path

import asyncpg
import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import Account, first_unreachable
from crossdock_cli.embedded.postgres import PostgresServer


def dsn(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")


async def test_committed_rows_survive_a_killed_server(fresh_folder: Path) -> None:
    server = PostgresServer(fresh_folder, for_tests=True)
    server.start()
    server.sql("CREATE TABLE kept (id int); INSERT INTO kept SELECT generate_series(1, 1000);")

    server.kill()
    server.start()

    try:
        assert server.sql("SELECT count(*) FROM kept;") == "1000"
    finally:
        server.stop()


async def test_a_stopped_server_starts_again_on_its_port_with_its_passwords(fresh_folder: Path) -> None:
    first = PostgresServer(fresh_folder, for_tests=True)
    first.start()
    urls = first.ensure_service_databases(["order"])
    first.stop()

    second = PostgresServer(fresh_folder, port=first.port, for_tests=True)
    second.start()
    try:
        connection = await asyncpg.connect(dsn(urls["order"].app_url))
        user = await connection.fetchval("SELECT current_user")
        await connection.close()
    finally:
        second.stop()

    assert user == "order_app"


async def test_asking_for_the_databases_again_changes_nothing(postgres: PostgresServer) -> None:
    first = postgres.ensure_service_databases(["order", "inventory"])

    second = postgres.ensure_service_databases(["order", "inventory"])

    assert second == first


async def test_a_service_cannot_create_tables_but_uses_those_of_its_owner(postgres: PostgresServer) -> None:
    urls = postgres.ensure_service_databases(["order"])["order"]
    owner = await asyncpg.connect(dsn(urls.owner_url))
    await owner.execute(
        "DROP TABLE IF EXISTS thing; CREATE TABLE thing (id bigserial PRIMARY KEY, name text)"
    )
    await owner.close()

    app = await asyncpg.connect(dsn(urls.app_url))
    for statement in (
        "CREATE TABLE other (id int)",
        "CREATE TEMPORARY TABLE other (id int)",
        "DROP TABLE thing",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.execute("INSERT INTO thing (name) VALUES ('one'); UPDATE thing SET name = 'two'")
    names = [row["name"] for row in await app.fetch("DELETE FROM thing RETURNING name")]
    await app.close()

    assert names == ["two"]


async def test_a_service_cannot_connect_to_the_database_of_another(postgres: PostgresServer) -> None:
    urls = postgres.ensure_service_databases(["order", "inventory"])

    for other in ("crossdock_inventory", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(dsn(urls["order"].app_url), database=other)


async def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    url = dsn(postgres.ensure_service_databases(["order"])["order"].app_url)

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url, password="guessed")


async def test_the_statements_of_a_service_have_time_limits(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(dsn(postgres.ensure_service_databases(["order"])["order"].app_url))

    limits = [
        await connection.fetchval(f"SHOW {name}")
        for name in (
            "lock_timeout",
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "transaction_timeout",
        )
    ]
    await connection.close()

    assert limits == ["2s", "15s", "10s", "30s"]


def test_the_server_listens_on_loopback_alone_and_keeps_commits(postgres: PostgresServer) -> None:
    assert postgres.sql("SHOW listen_addresses;") == "127.0.0.1"
    assert postgres.sql("SHOW unix_socket_directories;") == ""
    assert postgres.sql("SHOW synchronous_commit;") == "on"


def test_a_server_for_use_writes_through_to_the_disk(fresh_folder: Path) -> None:
    server = PostgresServer(fresh_folder)
    server.start()

    settings = {
        name: server.sql(f"SHOW {name};")
        for name in ("fsync", "shared_buffers", "max_wal_size", "max_connections", "data_checksums")
    }
    server.stop()

    assert settings == {
        "fsync": "on",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "max_connections": "200",
        "data_checksums": "on",
    }


def test_passwords_lie_in_a_file_only_its_owner_reads(
    postgres: PostgresServer, reachable_folder: Path
) -> None:
    folder = reachable_folder / "postgres"

    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("credentials.json", "cluster")}

    assert modes == {"credentials.json": 0o600, "cluster": 0o700}


def test_passwords_do_not_reach_the_log_even_when_a_statement_fails(
    postgres: PostgresServer, reachable_folder: Path
) -> None:
    with pytest.raises(EmbeddedError, match="refused"):
        postgres.sql("ALTER ROLE nobody_here PASSWORD 'hunter2';")

    assert "hunter2" not in (reachable_folder / "postgres" / "postgres.log").read_text(encoding="utf-8")


def test_a_private_umask_does_not_lock_the_server_out(fresh_folder: Path) -> None:
    server = PostgresServer(fresh_folder / "deeper" / "postgres", for_tests=True)
    usual = os.umask(0o077)

    try:
        server.start()
    finally:
        os.umask(usual)
    answer = server.sql("SELECT 1;")
    server.stop()

    assert answer == "1"


def test_a_taken_port_is_named(fresh_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(EmbeddedError, match=rf"127\.0\.0\.1:{port}.*another port"):
            PostgresServer(fresh_folder, port=port, for_tests=True).start()


def test_a_folder_with_other_things_in_it_is_left_alone(fresh_folder: Path) -> None:
    fresh_folder.mkdir()
    (fresh_folder / "thesis.txt").write_text("years of work", encoding="utf-8")

    with pytest.raises(EmbeddedError, match="not made by crossdock"):
        PostgresServer(fresh_folder, for_tests=True).start()

    assert [path.name for path in fresh_folder.iterdir()] == ["thesis.txt"]


def test_a_cluster_without_its_passwords_is_named(fresh_folder: Path) -> None:
    (fresh_folder / "cluster").mkdir(parents=True)

    with pytest.raises(EmbeddedError, match=r"without its credentials\.json"):
        PostgresServer(fresh_folder, for_tests=True).start()


def test_a_cluster_of_another_major_version_is_named(fresh_folder: Path) -> None:
    server = PostgresServer(fresh_folder, for_tests=True)
    server.prepare()
    (fresh_folder / "cluster" / "PG_VERSION").write_text("15\n", encoding="ascii")

    with pytest.raises(EmbeddedError, match="made by PostgreSQL 15, installed is 18"):
        server.start()


def test_a_second_server_on_the_same_folder_is_refused(
    postgres: PostgresServer, reachable_folder: Path
) -> None:
    with pytest.raises(EmbeddedError, match=r"another PostgreSQL \(process \d+\) serves"):
        PostgresServer(reachable_folder / "postgres", for_tests=True).start()

    assert postgres.is_ready()


async def test_a_start_waits_for_the_server_that_is_still_stopping(fresh_folder: Path) -> None:
    first = PostgresServer(fresh_folder, for_tests=True)
    first.start()
    session = await asyncpg.connect(dsn(first.ensure_service_databases(["order"])["order"].app_url))
    os.kill(first.pid, signal.SIGTERM)  # "smart": it waits for the session to end
    async with asyncio.timeout(10):
        pid_file = fresh_folder / "cluster" / "postmaster.pid"
        while "stopping" not in pid_file.read_text(encoding="ascii"):  # noqa: ASYNC110  another process writes
            await asyncio.sleep(0.01)

    second = PostgresServer(fresh_folder, for_tests=True)
    starting = asyncio.create_task(asyncio.to_thread(second.start))
    await asyncio.sleep(0.1)
    started_early = starting.done()
    await session.close()
    await starting

    assert not started_early
    assert second.sql("SELECT 1;") == "1"
    second.stop()
    first.stop()


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(fresh_folder: Path) -> None:
    server = PostgresServer(fresh_folder, for_tests=True)
    server.start()
    server.kill()
    pid_file = fresh_folder / "cluster" / "postmaster.pid"
    pid_file.write_text(
        re.sub(r"^\d+", str(os.getppid()), pid_file.read_text(encoding="ascii")), encoding="ascii"
    )

    server.start()

    server.stop()


def test_a_damaged_cluster_shows_the_end_of_the_log(fresh_folder: Path) -> None:
    server = PostgresServer(fresh_folder, for_tests=True)
    server.prepare()
    (fresh_folder / "cluster" / "global" / "pg_control").unlink()

    with pytest.raises(EmbeddedError, match=r"ended while starting(.|\n)*pg_control"):
        server.start()


def test_a_private_folder_on_the_way_is_found_for_other_users(tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    tmp_path.chmod(0o755)

    closed = first_unreachable(private / "data" / "postgres", Account("stranger", 4_000_001, 4_000_001))

    assert closed in [private, *private.parents]


@pytest.mark.parametrize("name", ["Order", "order-service", "order; DROP", "", "1st"])
def test_an_odd_service_name_is_refused(postgres: PostgresServer, name: str) -> None:
    with pytest.raises(EmbeddedError, match="cannot name a database"):
        postgres.ensure_service_databases([name])


async def test_urls_do_not_show_passwords_when_printed(postgres: PostgresServer) -> None:
    urls = await asyncio.to_thread(postgres.ensure_service_databases, ["order"])

    assert "asyncpg" not in repr(urls)
