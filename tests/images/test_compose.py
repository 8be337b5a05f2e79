"""The compose files are well formed, keep to the rules, and say what the code says."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from crossdock_chassis.config import Settings
from crossdock_cli.embedded.topics import load_topics
from crossdock_cli.stack.sandboxes import FEW
from crossdock_cli.stack.services import SCOPES, SERVICES
from notify_service.adapters.channels.email.settings import EmailSettings
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings

from .compose_files import (
    DEPLOY,
    FILES,
    LAPTOP,
    OBSERVABILITY,
    containers,
    defaults_of,
    example,
    read,
    variables,
)

SCHEMA = json.loads((Path(__file__).parent / "schema" / "compose-spec.json").read_text(encoding="utf-8"))
STACK = containers(LAPTOP)
ALL = {**STACK, **containers(OBSERVABILITY)}
OURS = {name: one for name, one in STACK.items() if one["image"].startswith("crossdock/")}
RUNNING = {name: one for name, one in ALL.items() if one["restart"] != "no"}

#: Its start script writes below /opt/kafka; it has no capability all the same.
WRITES_ITS_ROOT = {"kafka"}
#: Images that hold one program and nothing that could ask it.
CANNOT_BE_ASKED = {"collector", "jaeger"}

#: Whose settings the environment of a service may hold besides its own.
ADAPTERS: dict[str, type[Settings]] = {
    "CHANNEL_EMAIL_": EmailSettings,
    "CARRIER_EASYPOST_": EasyPostSettings,
}

every_container = pytest.mark.parametrize("name", ALL)
every_service = pytest.mark.parametrize("service", SERVICES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_as_the_compose_specification_says(file: Path) -> None:
    faults = [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(read(file))]

    assert faults == []


def test_up_without_a_word_is_the_system_and_what_watches_it() -> None:
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    faults = [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(whole)]

    assert faults == []
    assert whole["include"] == [{"path": [file.name for file in FILES]}]
    assert whole["name"] == read(LAPTOP)["name"]


@every_container
def test_a_container_has_limits_and_no_privileges(name: str) -> None:
    one = ALL[name]

    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["read_only"] is (name not in WRITES_ITS_ROOT)
    assert one["pids_limit"] <= 256
    assert _mebibytes(one["mem_limit"]) <= 768
    assert not {"privileged", "cap_add", "pid", "ipc", "devices", "userns_mode"} & set(one)
    assert one.get("network_mode") in (None, *(f"service:{sandbox}" for sandbox in FEW))


@every_container
def test_a_containers_log_is_rotated_and_its_end_has_time(name: str) -> None:
    assert set(ALL[name]["logging"]["options"]) == {"max-size", "max-file"}
    assert int(ALL[name]["stop_grace_period"].removesuffix("s")) >= (45 if name in OURS else 10)


@every_container
def test_an_image_is_pinned_to_a_whole_version(name: str) -> None:
    image = ALL[name]["image"]

    assert name in OURS or re.search(r":v?\d+\.\d+[\w.-]*$|@sha256:[0-9a-f]{64}$", image), image


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_runs_as_nobody_with_a_small_place_to_write(name: str) -> None:
    assert OURS[name]["user"] == "10001:10001"
    assert OURS[name]["tmpfs"] == ["/tmp:noexec,nosuid,size=64m"]


@pytest.mark.parametrize("name", RUNNING)
def test_what_runs_on_says_whether_it_is_well(name: str) -> None:
    assert ("healthcheck" in RUNNING[name]) is (name not in CANNOT_BE_ASKED)


@every_container
def test_nobody_starts_before_what_it_needs_is_there(name: str) -> None:
    conditions = {one["condition"] for one in ALL[name].get("depends_on", {}).values()}

    assert conditions <= {"service_healthy", "service_completed_successfully"}


@every_service
def test_a_service_waits_for_its_schema_the_topics_and_the_database(service: str) -> None:
    assert {f"{service}-migrate", "topics", "postgres"} <= set(STACK[service]["depends_on"])


@every_container
def test_ports_are_on_loopback_and_can_be_chosen(name: str) -> None:
    for port in ALL[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    written = (OBSERVABILITY if name not in STACK else LAPTOP).read_text(encoding="utf-8")
    assert len(re.findall(r'"127\.0\.0\.1:', written)) == len(
        re.findall(r'"127\.0\.0\.1:\$\{[A-Z]+_PORT:-', written)
    )


def test_the_example_of_settings_has_every_variable_with_its_default() -> None:
    used = {**variables(LAPTOP), **variables(OBSERVABILITY)}

    assert example() == used
    assert {name: defaults_of(LAPTOP, name) for name in variables(LAPTOP)} == {
        name: {default} for name, default in variables(LAPTOP).items()
    }


# -- as the code has it


@every_service
def test_a_service_and_its_migration_are_told_what_their_settings_know(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, migrating = (STACK[name]["environment"] for name in (service, f"{service}-migrate"))
    known = _known_variables(service)

    assert set(running) <= known
    assert set(migrating) - {"SERVICE", "SCOPES", "API_TOKEN"} <= known
    for environment in (running, migrating):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            for settings in _settings(service, environment):
                settings.load()


@every_service
def test_a_service_has_its_own_database_and_only_migrate_is_its_owner(service: str) -> None:
    running, migrating = (STACK[name]["environment"] for name in (service, f"{service}-migrate"))
    prefix = service.upper()

    assert _login(running[f"{prefix}_DATABASE_URL"]) == (f"{service}_app", f"crossdock_{service}")
    assert _login(migrating[f"{prefix}_DATABASE_URL"]) == (f"{service}_app", f"crossdock_{service}")
    assert _login(migrating[f"{prefix}_MIGRATION_URL"]) == (f"{service}_owner", f"crossdock_{service}")
    assert f"{prefix}_MIGRATION_URL" not in running


@every_service
def test_everybody_looks_for_a_service_at_the_port_it_has(service: str) -> None:
    port = STACK[service]["environment"][f"{service.upper()}_HTTP_PORT"]
    shown_by = STACK[STACK[service].get("network_mode", f"service:{service}").removeprefix("service:")]

    assert f":{port}/readyz" in STACK[service]["healthcheck"]["test"][-1]
    assert f"127.0.0.1:{port}:{port}" in shown_by["ports"]
    assert STACK["crossdock"]["environment"][f"CROSSDOCK_{service.upper()}_URL"] == f"http://{service}:{port}"
    if shown_by is not STACK[service]:
        assert shown_by["networks"]["default"]["aliases"] == [service]


@every_service
def test_the_first_token_may_do_what_a_person_on_a_laptop_does(service: str) -> None:
    given = STACK[f"{service}-migrate"]["environment"]["SCOPES"]

    assert given == f"{SCOPES[service]},operations:read,operations:write"


@pytest.mark.parametrize("sandbox", FEW)
def test_everybody_looks_for_a_sandbox_at_the_port_it_has(sandbox: str) -> None:
    command = STACK[sandbox]["command"]
    port = command[command.index("--port") + 1]

    assert f":{port}/_sandbox/health" in STACK[sandbox]["healthcheck"]["test"][-1]
    assert STACK["crossdock"]["environment"][f"CROSSDOCK_{sandbox.upper()}_URL"] == f"http://{sandbox}:{port}"


def test_services_call_their_sandboxes_on_the_network_they_share() -> None:
    mailbox = STACK["mailbox"]["command"]
    email = STACK["notify"]["environment"]
    carrier = STACK["shipping"]["environment"]

    assert email["CHANNEL_EMAIL_PORT"] == mailbox[mailbox.index("--smtp-port") + 1]
    assert STACK["mailbox"]["environment"]["SANDBOX_MAILBOX_LOGIN"] == (
        f"{email['CHANNEL_EMAIL_USERNAME']}:{email['CHANNEL_EMAIL_PASSWORD']}"
    )
    assert carrier["CARRIER_EASYPOST_BASE_URL"] == "http://127.0.0.1:8302"
    assert (
        carrier["CARRIER_EASYPOST_API_KEY"] == STACK["easypost"]["environment"]["SANDBOX_EASYPOST_API_KEYS"]
    )


def test_the_broker_is_where_everybody_looks_and_makes_no_topic_by_itself() -> None:
    lines = (DEPLOY / "kafka" / "broker.properties").read_text(encoding="utf-8").splitlines()
    broker = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    [kafka] = {
        value
        for one in STACK.values()
        for name, value in one.get("environment", {}).items()
        if name.endswith("_KAFKA_BOOTSTRAP_SERVERS")
    }

    assert broker["advertised.listeners"] == f"CLIENT://{kafka}"
    assert STACK["topics"]["command"] == ["topics", kafka]
    assert broker["auto.create.topics.enable"] == "false"
    assert {topic.embedded().replication_factor for topic in load_topics()} == {
        int(broker["default.replication.factor"])
    }


def test_what_is_mounted_is_there() -> None:
    missing = [path for path in _mounted(STACK) if not path.exists()]

    assert missing == []


def test_the_configuration_of_the_tools_that_watch_comes_whole_or_not_at_all() -> None:
    mounted = _mounted(containers(OBSERVABILITY))

    assert len({path.exists() for path in mounted}) == 1, [path for path in mounted if not path.exists()]


def _mounted(of: dict[str, dict[str, Any]]) -> list[Path]:
    sources = [volume.split(":")[0] for one in of.values() for volume in one.get("volumes", [])]
    return [DEPLOY / source for source in sources if source.startswith("./")]


def _mebibytes(limit: str) -> int:
    assert limit.endswith("m")
    return int(limit.removesuffix("m"))


def _login(url: str) -> tuple[str | None, str]:
    parts = urlsplit(url)
    return parts.username, parts.path.removeprefix("/")


def _settings(service: str, environment: dict[str, str]) -> list[type[Settings]]:
    """The service's own settings, and those of the adapters that the environment speaks of."""
    own: type[Settings] = getattr(
        import_module(f"{service}_service.settings"), f"{service.capitalize()}Settings"
    )
    return [
        own,
        *(one for prefix, one in ADAPTERS.items() if any(n.startswith(prefix) for n in environment)),
    ]


def _known_variables(service: str) -> set[str]:
    own = _settings(service, {})
    return {
        f"{settings.model_config.get('env_prefix', '')}{field}".upper()
        for settings in (*own, *ADAPTERS.values())
        for field in settings.model_fields
    }
