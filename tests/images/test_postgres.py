"""The databases of the compose file are those that `crossdock up` makes: same names, roles and rights."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock_cli.embedded.credentials import Credentials
from crossdock_cli.embedded.postgres import ADMIN, SERVICES, PostgresServer
from crossdock_cli.embedded.postgres_binaries import binaries_for

from .compose_files import DEPLOY

ROLES = """
    select rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolconfig
    from pg_roles where rolname ~ '_(owner|app)$' order by rolname;
"""
DATABASES = """
    select datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datacl
    from pg_database where datname <> 'template0' order by datname;
"""
RIGHTS = """
    select nspacl from pg_namespace where nspname = 'public';
    select pg_get_userbyid(defaclrole), defaclobjtype, defaclacl from pg_default_acl order by 1, 2;
"""


@pytest.fixture
def by_script(reachable_folder: Path) -> Iterator[PostgresServer]:
    """A server that deploy/postgres has filled, as the image's start script would."""
    folder = reachable_folder / "by-script"
    server = PostgresServer(folder, for_tests=True)
    server.start()
    passwords = {f"{one}_{role}_PASSWORD".upper(): "p" for one in SERVICES for role in ("owner", "app")}
    subprocess.run(
        [
            *(binaries_for(None, folder).program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
            *(f"--file={DEPLOY / 'postgres' / 'init.sql'}", "--host=127.0.0.1", f"--port={server.port}"),
            *(f"--username={ADMIN}", "--dbname=postgres"),
        ],
        env={**passwords, "PGPASSWORD": Credentials(folder / "credentials.json").password(ADMIN)},
        timeout=50,
        check=True,
    )
    yield server
    server.stop()


def test_the_script_makes_what_the_embedded_server_has(
    by_script: PostgresServer, reachable_folder: Path
) -> None:
    embedded = PostgresServer(reachable_folder / "embedded", for_tests=True)
    embedded.start()
    embedded.ensure_service_databases(SERVICES)
    expected = _seen(embedded)
    embedded.stop()

    assert _seen(by_script) == expected


def _seen(server: PostgresServer) -> dict[str, str]:
    rights = {f"rights in {one}": server.sql(RIGHTS, database=f"crossdock_{one}") for one in SERVICES}
    return {"roles": server.sql(ROLES), "databases": server.sql(DATABASES), **rights}
