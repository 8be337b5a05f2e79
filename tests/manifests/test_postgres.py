"""The databases hold the connections that all pods may open, and their roles are those the tests run with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.postgres import PostgresServer

from .processes import role, service_of
from .rendered import K8S, SERVICES, Manifest, Rendered

#: superuser_reserved_connections, the operator's and the exporter's own, a person with psql.
RESERVED = 12
#: A relay holds one session past the pooler, for its locks.
PAST_THE_POOLER = 1


def most_pods(rendered: Rendered, deployment: Manifest) -> int:
    """Replicas at most, and what a rollout puts on top."""
    surge: int = deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    for scaler in rendered.of("HorizontalPodAutoscaler", "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]:
            most: int = scaler["spec"].get("maxReplicas") or scaler["spec"]["maxReplicaCount"]
            return most + surge
    replicas: int = deployment["spec"].get("replicas", 1)
    return replicas + surge


def deployments(rendered: Rendered, service: str) -> list[Manifest]:
    return [one for one in rendered.of("Deployment") if one["metadata"]["name"].startswith(f"{service}-")]


@pytest.mark.parametrize("service", SERVICES)
def test_one_pooler_alone_takes_the_connections_of_all_pods(rendered: Rendered, service: str) -> None:
    pooler = rendered.get("Pooler", f"{service}-db-pooler")["spec"]["pgbouncer"]
    wanted = 0
    for one in [*deployments(rendered, service), rendered.get("Job", f"{service}-migrate")]:
        settings = service_of(rendered, one).settings
        pods = most_pods(rendered, one) if one["kind"] == "Deployment" else 1
        wanted += pods * (settings.database_pool_size + settings.database_pool_overflow)

    assert int(pooler["parameters"]["max_client_conn"]) >= wanted


@pytest.mark.parametrize("service", SERVICES)
def test_the_server_takes_what_poolers_relays_and_migrations_open(rendered: Rendered, service: str) -> None:
    pooler = rendered.get("Pooler", f"{service}-db-pooler")["spec"]
    cluster = rendered.get("Cluster", f"{service}-db")["spec"]
    relays = most_pods(rendered, rendered.get("Deployment", f"{service}-relay"))
    jobs = 2  # a release may begin while the last one's is still there

    wanted = (
        (pooler["instances"] + 1) * int(pooler["pgbouncer"]["parameters"]["default_pool_size"])
        + relays * PAST_THE_POOLER
        + jobs
        + RESERVED
    )

    assert int(cluster["postgresql"]["parameters"]["max_connections"]) >= wanted


def test_statements_outside_of_transactions_find_what_they_prepared(rendered: Rendered) -> None:
    for one in rendered.of("Pooler"):
        bouncer = one["spec"]["pgbouncer"]

        assert bouncer["poolMode"] == "transaction"
        assert int(bouncer["parameters"]["max_prepared_statements"]) > 0


@pytest.mark.parametrize("service", SERVICES)
def test_only_locks_and_migrations_go_past_the_pooler(rendered: Rendered, service: str) -> None:
    (pooler,) = (one for one in rendered.of("Pooler") if one["spec"]["cluster"]["name"] == f"{service}-db")

    for one in [*deployments(rendered, service), rendered.get("Job", f"{service}-migrate")]:
        settings = service_of(rendered, one).settings
        assert f"@{pooler['metadata']['name']}:5432/" in settings.database_url.get_secret_value()
        assert f"@{service}-db-rw:5432/" in settings.direct_url.get_secret_value()
        if role(one) == "migrate":
            assert settings.migration_url is not None
            assert f"@{service}-db-rw:5432/" in settings.migration_url.get_secret_value()
        urls = [settings.database_url, settings.direct_url, settings.migration_url]
        assert all(url.get_secret_value().endswith("?ssl=verify-full") for url in urls if url is not None)


def test_the_poolers_name_is_on_the_certificate_it_shows(rendered: Rendered) -> None:
    for one in rendered.of("Pooler"):
        cluster = rendered.get("Cluster", one["spec"]["cluster"]["name"])

        assert one["metadata"]["name"] in cluster["spec"]["certificates"]["serverAltDNSNames"]


def test_what_counts_is_committed_on_two_servers_in_production(production: Rendered) -> None:
    for service in SERVICES:
        spec = production.get("Cluster", f"{service}-db")["spec"]
        durability = spec["postgresql"]["synchronous"]["dataDurability"]

        assert spec["instances"] == 3
        assert durability == ("preferred" if service == "notify" else "required")


def test_every_database_is_backed_up_and_archived(replicated: Rendered) -> None:
    for service in SERVICES:
        cluster = replicated.get("Cluster", f"{service}-db")["spec"]
        backup = replicated.get("ScheduledBackup", f"{service}-db")["spec"]
        store = replicated.get("ObjectStore", f"{service}-db")["spec"]["configuration"]

        assert [(one["isWALArchiver"], one["parameters"]) for one in cluster["plugins"]] == [
            (True, {"barmanObjectName": f"{service}-db"})
        ]
        assert cluster["postgresql"]["parameters"]["archive_timeout"] == "5min"
        assert backup["cluster"] == {"name": f"{service}-db"}
        assert len(backup["schedule"].split()) == 6
        assert store["destinationPath"] == f"s3://crossdock-{replicated.name}-backups"


@pytest.fixture(scope="module")
def as_cnpg_makes_it(reachable_folder: Path) -> Iterator[PostgresServer]:
    """A server of its own, because roles belong to the whole of it, with the databases of the manifests."""
    server = PostgresServer(reachable_folder / "postgres-of-manifests", for_tests=True)
    server.start()
    for service in SERVICES:
        # What CloudNativePG does with `bootstrap.initdb` before it runs the file.
        server.sql(f"CREATE ROLE {service}_owner LOGIN PASSWORD 'sample'")
        server.sql(f"CREATE DATABASE crossdock_{service} OWNER {service}_owner")
        roles = (K8S / "platform" / "postgres" / f"{service}-roles.sql").read_text()
        server.sql(roles, database=f"crossdock_{service}")
    yield server
    server.stop()


RIGHTS = """
    select 'default' as what, defaclobjtype::text, defaclacl::text from pg_default_acl
    union all select 'role', rolname, (rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolconfig)::text
        from pg_roles where rolname like '{service}\\_%'
    union all select 'database', '', regexp_replace(datacl::text, '[a-z_0-9]+/', '/', 'g')
        from pg_database where datname = 'crossdock_{service}'
    union all select 'schema', has_schema_privilege('{service}_owner', 'public', 'create')::text,
        has_schema_privilege('{service}_app', 'public', 'create')::text
    union all select 'postgres', '', has_database_privilege('{service}_app', 'postgres', 'connect')::text
    order by 1, 2, 3
"""


def rights(server: PostgresServer, service: str) -> str:
    found = server.sql(RIGHTS.format(service=service), database=f"crossdock_{service}")
    # Behind a pooler the role turns it off; without one each session of ours does.
    return found.replace(",jit=off", "")


@pytest.mark.timeout(300)  # a server of its own
def test_a_cluster_gives_roles_the_rights_that_the_tests_run_with(
    as_cnpg_makes_it: PostgresServer, postgres: PostgresServer
) -> None:
    postgres.ensure_service_databases()

    for service in SERVICES:
        assert rights(as_cnpg_makes_it, service) == rights(postgres, service)


@pytest.mark.timeout(300)  # a server of its own
@pytest.mark.parametrize("service", SERVICES)
def test_the_owner_migrates_and_the_app_role_changes_no_table(
    as_cnpg_makes_it: PostgresServer, service: str
) -> None:
    database = f"crossdock_{service}"

    def as_app(statement: str) -> str:
        return as_cnpg_makes_it.sql(f"SET ROLE {service}_app; {statement}", database=database)

    upgrade(
        K8S.parent / "services" / f"{service}-service" / "migrations",
        f"postgresql+asyncpg://{service}_owner:sample@127.0.0.1:{as_cnpg_makes_it.port}/{database}",
    )

    assert as_app("SELECT count(*) FROM outbox") == "0"
    with pytest.raises(EmbeddedError, match="must be owner"):
        as_app("DROP TABLE outbox")
    with pytest.raises(EmbeddedError, match="permission denied"):
        as_app("CREATE TABLE a (b int)")
