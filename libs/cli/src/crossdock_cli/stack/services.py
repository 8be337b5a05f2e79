"""The four services as `up` sees them: what each process is called, started with and told."""

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch
from crossdock_cli.stack.folder import REPOSITORY
from crossdock_cli.stack.keys import Keys
from crossdock_cli.stack.sandboxes import FEW, settings_of_adapters, with_role

MAILBOX_USER = "crossdock"
ROLES = ("api", "consume", "relay", "work")

#: Everything a person does on a laptop.
SCOPES = {
    "order": "orders:read,orders:write",
    "inventory": "stock:read,stock:write",
    "shipping": "shipments:read,shipments:write",
    "notify": "notifications:read,notifications:write",
}
SERVICES = tuple(SCOPES)

#: Settings of adapters, read by the process that holds the adapter.
_ADAPTERS: Mapping[str, tuple[str, ...]] = {
    "order": ("MARKETPLACE_",),
    "inventory": (),
    "shipping": ("CARRIER_",),
    "notify": ("CHANNEL_",),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every process of the stack may be told about the others."""

    databases: Mapping[str, DatabaseUrls]
    kafka_bootstrap_servers: str
    kafka_profile: str
    ports: Mapping[str, int]
    keys: Keys
    sandboxes: Sequence[str] = FEW


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """One operating system process of a service: all roles, or one of them; or one of several replicas."""

    service: str
    role: str | None = None
    replica: int | None = None

    @property
    def name(self) -> str:
        """Its name in logs and tables."""
        return "-".join(str(part) for part in (self.service, self.role, self.replica) if part is not None)

    @property
    def port_name(self) -> str:
        """The only API of a service has the service's name."""
        alone = self.role in (None, "api") and self.replica is None
        return self.service if alone else self.name

    def launch(self, around: Surroundings) -> Launch:
        environment = service_environment(self.service, around)
        prefix = self.service.upper()
        kind = "HTTP" if self.role in (None, "api") else "HEALTH"
        environment[f"{prefix}_{kind}_PORT"] = str(around.ports[self.port_name])
        return Launch(_python(self.service, *([self.role] if self.role else [])), environment)

    def health_url(self, ports: Mapping[str, int]) -> str:
        return f"http://{LOOPBACK}:{ports[self.port_name]}/readyz"


def service_processes(services: Sequence[str], *, split: bool, replicas: int = 1) -> list[ServiceProcess]:
    """Of several replicas the first has the plain names; the others are numbered from 1."""
    return [
        ServiceProcess(service, role, replica or None)
        for service in services
        for role in (ROLES if split else (None,))
        for replica in range(replicas)
    ]


def port_names(services: Sequence[str], *, split: bool, replicas: int = 1) -> list[str]:
    return [one.port_name for one in service_processes(services, split=split, replicas=replicas)]


def migrate_launch(service: str, around: Surroundings) -> Launch:
    """Brings the schema up to date, then stores the API's token, read from standard input.

    `migrate` alone is told how to reach the database as its owner.
    """
    environment = service_environment(service, around)
    environment[f"{service.upper()}_MIGRATION_URL"] = around.databases[service].owner_url
    scopes = f"{SCOPES[service]},operations:read,operations:write"
    arguments = ("migrate", "--token-name", "crossdock", "--token-scopes", scopes)
    return Launch(_python(service, *arguments), environment)


def migrations_digest(service: str) -> str | None:
    """Tells one set of migrations from another; None when they are not where a checkout has them."""
    files = sorted((REPOSITORY / "services" / f"{service}-service" / "migrations" / "versions").glob("*.py"))
    if not files:
        return None
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return whole.hexdigest()


def service_environment(service: str, around: Surroundings) -> dict[str, str]:
    """What is common to all processes of a service. The person's own settings of it come first, ours win."""
    prefix = service.upper()
    prefixes = (f"{prefix}_", *_ADAPTERS[service])
    theirs = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    ours = {
        f"{prefix}_DATABASE_URL": around.databases[service].app_url,
        f"{prefix}_KAFKA_BOOTSTRAP_SERVERS": around.kafka_bootstrap_servers,
        f"{prefix}_KAFKA_PROFILE": around.kafka_profile,
        f"{prefix}_HTTP_HOST": LOOPBACK,
    }
    return {**CLEAN_ENVIRONMENT, **theirs, **ours, **_of_adapters(service, around)}


def _of_adapters(service: str, around: Surroundings) -> dict[str, str]:
    told = settings_of_adapters(around.sandboxes, around.ports, LOOPBACK)
    theirs = {name: value for name, value in told.items() if name.startswith(_ADAPTERS[service])}
    return {**theirs, **_of_service(service, around)}


def _of_service(service: str, around: Surroundings) -> dict[str, str]:
    if service == "order":
        return {"ORDER_ENCRYPTION_KEY": around.keys.order_encryption_key}
    if service == "shipping":
        trackers = with_role(around.sandboxes, "tracking")
        return {
            "CARRIER_EASYPOST_API_KEY": around.keys.easypost_api_key,
            "CARRIER_EASYPOST_WEBHOOK_SECRET": around.keys.easypost_webhook_secret,
            "SHIPPING_CARRIERS": json.dumps(with_role(around.sandboxes, "carrier", "tracking")),
            "SHIPPING_FIRST_VOID_CHECK_S": "3",  # the sandbox gives the money back after two
            **({"SHIPPING_TRACKS_OTHERS": trackers[0]} if trackers else {}),
        }
    if service == "notify":
        return {
            "CHANNEL_EMAIL_HOST": LOOPBACK,
            "CHANNEL_EMAIL_PORT": str(around.ports["smtp"]),
            "CHANNEL_EMAIL_USERNAME": MAILBOX_USER,
            "CHANNEL_EMAIL_PASSWORD": around.keys.mailbox_password,
            "CHANNEL_EMAIL_SENDER": "Lumo Demo <orders@lumo-demo.example>",
        }
    return {}


def _python(service: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"{service}_service", *arguments]
