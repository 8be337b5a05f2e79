"""What the services' processes are told, and what they are not."""

from dataclasses import replace

import pytest

from crossdock_cli.stack.services import (
    SERVICES,
    ServiceProcess,
    Surroundings,
    migrate_launch,
    migrations_digest,
    port_names,
    service_processes,
)


def test_only_migrate_is_told_how_to_reach_the_database_as_its_owner(around: Surroundings) -> None:
    for service in SERVICES:
        running = [one.launch(around) for one in service_processes([service], split=True)]
        values = [value for launch in running for value in launch.environment.values()]

        assert f"app:{service}" in values
        assert not [value for value in values if value.startswith("owner:")]
        migrating = migrate_launch(service, around).environment
        assert migrating[f"{service.upper()}_MIGRATION_URL"] == f"owner:{service}"


def test_no_process_is_told_of_another_services_database_or_of_the_api_token(around: Surroundings) -> None:
    for process in service_processes(SERVICES, split=False):
        told = " ".join(process.launch(around).environment.values())
        others = [service for service in SERVICES if service != process.service]

        assert not [service for service in others if f"app:{service}" in told]
        assert around.keys.api_token not in told


def test_the_token_goes_in_by_standard_input_and_not_by_an_argument(around: Surroundings) -> None:
    launch = migrate_launch("order", around)

    assert "--token-name" in launch.argv
    assert around.keys.api_token not in " ".join(launch.argv)


def test_split_runs_a_process_per_role_and_each_listens_somewhere_else(around: Surroundings) -> None:
    processes = service_processes(SERVICES, split=True)

    assert len({process.name for process in processes}) == 16
    assert len({process.health_url(around.ports) for process in processes}) == 16
    assert all(process.role in process.launch(around).argv for process in processes if process.role)


def test_the_first_of_several_replicas_is_called_and_found_as_if_it_were_alone() -> None:
    alone = service_processes(SERVICES, split=True)
    several = service_processes(SERVICES, split=True, replicas=2)

    assert [one.port_name for one in several[::2]] == [one.port_name for one in alone]
    assert {one.name for one in several[1::2]} == {f"{one.name}-1" for one in alone}
    assert len(set(port_names(SERVICES, split=True, replicas=2))) == 32


def test_a_persons_own_settings_reach_the_service_but_not_its_addresses(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDER_LOG_LEVEL", "debug")
    monkeypatch.setenv("ORDER_DATABASE_URL", "elsewhere")
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")

    (process,) = service_processes(["order"], split=False)
    environment = process.launch(around).environment

    assert environment["ORDER_LOG_LEVEL"] == "debug"
    assert environment["ORDER_DATABASE_URL"] == "app:order"
    assert "SECRET_OF_THE_SHELL" not in environment


def test_migrations_are_told_apart_by_what_is_in_them() -> None:
    digests = {migrations_digest(service) for service in SERVICES}

    assert len(digests) == 4
    assert None not in digests
    assert migrations_digest("nobody") is None


def test_replicas_have_names_and_ports_of_their_own(around: Surroundings) -> None:
    api, relay = ServiceProcess("order", "api", 1), ServiceProcess("order", "relay", 0)
    ports = {**around.ports, "order-api-1": 21_001, "order-relay-0": 21_002}

    launches = [one.launch(replace(around, ports=ports)) for one in (api, relay)]

    assert launches[0].environment["ORDER_HTTP_PORT"] == "21001"
    assert launches[1].environment["ORDER_HEALTH_PORT"] == "21002"
    assert [one.health_url(ports) for one in (api, relay)] == [
        "http://127.0.0.1:21001/readyz",
        "http://127.0.0.1:21002/readyz",
    ]
