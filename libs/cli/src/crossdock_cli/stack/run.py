"""Start everything in the order it needs, as parallel as it can be, and keep it alive until told to stop."""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx

from crossdock_cli.embedded.apache_kafka import ApacheKafka
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch, run_to_end
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.supervisor import Child, ChildEvent, Supervisor
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import ensure_keys
from crossdock_cli.stack.ports import choose_ports
from crossdock_cli.stack.record import Record
from crossdock_cli.stack.sandboxes import FEW, all_sandboxes
from crossdock_cli.stack.services import (
    MAILBOX_USER,
    SERVICES,
    ServiceProcess,
    Surroundings,
    migrate_launch,
    migrations_digest,
    port_names,
    service_processes,
)

PROVISIONED_FILE = "postgres/provisioned.json"


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """What a person may choose. `brokers`: of Apache Kafka, 1 or 3; `replicas`: of every process."""

    split: bool = False
    replicas: int = 1
    kafka: str = "tansu"
    brokers: int = 1
    ports: Mapping[str, int] | None = None
    services: Sequence[str] = SERVICES
    sandboxes: Sequence[str] = FEW
    #: Process -> what its environment has besides.
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Sandbox -> arguments it is started with besides.
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Stack:
    """One run in one data folder, whose lock the caller holds."""

    def __init__(
        self,
        folder: DataFolder,
        options: StackOptions,
        *,
        on_event: Callable[[ChildEvent], None] = lambda event: None,
    ) -> None:
        """Nothing runs yet. Raises EmbeddedError for a port that is taken or a folder that is broken."""
        self.folder = folder
        self.options = options
        self.keys = ensure_keys(folder)
        kafka = ["kafka"] if options.kafka == "tansu" else [f"kafka-{n}" for n in range(options.brokers)]
        services = port_names(options.services, split=options.split, replicas=options.replicas)
        self.ports = choose_ports(
            folder, [*services, *options.sandboxes, "smtp", "postgres", *kafka], options.ports or {}
        )
        self.postgres = PostgresServer(folder.path / "postgres", port=self.ports["postgres"])
        self.broker: TansuBroker | ApacheKafka
        if options.kafka == "tansu":
            self.broker = TansuBroker(folder.logs, port=self.ports["kafka"])
        else:
            self.broker = ApacheKafka(
                folder.path / "kafka", nodes=options.brokers, ports=[self.ports[name] for name in kafka]
            )
        self._on_event = on_event
        self.record = Record(folder, options.kafka, options.split, self._urls())

    def _urls(self) -> dict[str, str]:
        names = (*self.options.services, *self.options.sandboxes)
        urls = {name: f"http://{LOOPBACK}:{self.ports[name]}" for name in names}
        return urls | {
            "kafka": self.broker.bootstrap_servers,
            "smtp": f"{LOOPBACK}:{self.ports['smtp']}",
            "postgres": f"{LOOPBACK}:{self.ports['postgres']}",
        }

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Until `stop` is set; everything is stopped when this returns or raises.

        Raises EmbeddedError when a first start fails. From then on what dies is started again.
        """

        def note(event: ChildEvent) -> None:
            self.record.note(event)
            self._on_event(event)

        self.record.save()
        try:
            async with Supervisor(self.folder.logs, on_event=note) as supervisor, httpx.AsyncClient() as http:
                started = asyncio.create_task(_Start(self, supervisor, http).everything())
                stopped = asyncio.create_task(stop.wait())
                try:
                    await asyncio.wait([started, stopped], return_when=asyncio.FIRST_COMPLETED)
                    if started.done():
                        started.result()
                        self.record.ready = True
                        self.record.save()
                        on_ready()
                        await stopped
                finally:
                    for task in (started, stopped):
                        task.cancel()
                    await asyncio.wait([started, stopped])
        finally:
            self.record.remove()


class _Start:
    """One first start. Each step waits for what it needs and for nothing else."""

    def __init__(self, stack: Stack, supervisor: Supervisor, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._supervisor = supervisor
        self._http = http

    async def everything(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                databases = group.create_task(self._databases())
                broker = group.create_task(self._broker())
                for name in self._stack.options.sandboxes:
                    group.create_task(self._supervisor.start(self._sandbox(name)))
                for service in self._stack.options.services:
                    group.create_task(self._service(service, databases, broker))
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def _databases(self) -> dict[str, DatabaseUrls]:
        await self._supervisor.start(self._stack.postgres.as_child())
        return await asyncio.to_thread(
            self._stack.postgres.ensure_service_databases, self._stack.options.services
        )

    async def _broker(self) -> None:
        broker = self._stack.broker
        if isinstance(
            broker, TansuBroker
        ):  # it forgets its topics with every end, and gets them with every start
            await self._supervisor.start(broker.as_child())
            return
        await asyncio.to_thread(broker.prepare)
        async with asyncio.TaskGroup() as group:
            for child in broker.as_children():
                group.create_task(self._supervisor.start(child))
        await broker.create_topics()

    def _sandbox(self, name: str) -> Child:
        port = self._stack.ports[name]
        arguments = [name, "--port", str(port), "--data", str(self._stack.folder.path / "sandbox")]
        arguments += all_sandboxes()[name].arguments
        arguments += self._stack.options.arguments.get(name, ())
        environment = dict(CLEAN_ENVIRONMENT)
        if name == "mailbox":
            arguments += ["--smtp-port", str(self._stack.ports["smtp"])]
            environment["SANDBOX_MAILBOX_LOGIN"] = f"{MAILBOX_USER}:{self._stack.keys.mailbox_password}"
        if name == "easypost":
            environment["SANDBOX_EASYPOST_API_KEYS"] = self._stack.keys.easypost_api_key
        launch = Launch([sys.executable, "-m", "crossdock_sandbox", *arguments], environment)
        url = f"http://{LOOPBACK}:{port}/_sandbox/health"
        return self._child(name, launch, url, group="sandboxes")

    async def _service(
        self, service: str, databases: asyncio.Task[dict[str, DatabaseUrls]], broker: asyncio.Task[None]
    ) -> None:
        around = Surroundings(
            databases=await databases,
            kafka_bootstrap_servers=self._stack.broker.bootstrap_servers,
            kafka_profile=self._stack.options.kafka,
            ports=self._stack.ports,
            keys=self._stack.keys,
            sandboxes=self._stack.options.sandboxes,
        )
        await self._provision(service, around)
        await broker
        options = self._stack.options
        async with asyncio.TaskGroup() as group:
            for process in service_processes([service], split=options.split, replicas=options.replicas):
                group.create_task(self._supervisor.start(self._process(process, around)))

    def _process(self, process: ServiceProcess, around: Surroundings) -> Child:
        url = process.health_url(self._stack.ports)
        launch = process.launch(around)
        besides = self._stack.options.environment.get(process.name, {})
        launch = replace(launch, environment={**launch.environment, **besides})
        return self._child(process.name, launch, url, group="services")

    def _child(self, name: str, launch: Launch, url: str, *, group: str) -> Child:
        async def is_ready() -> bool:
            try:
                return (await self._http.get(url, timeout=2)).is_success
            except httpx.TransportError:
                return False

        # A service gives itself up to 36 s for the work in hand.
        return Child(name, lambda: launch, is_ready, ready_timeout_s=120, stop_timeout_s=40, group=group)

    async def _provision(self, service: str, around: Surroundings) -> None:
        """Bring the schema up to date and store the token's hash; once for the same of both."""
        token, migrations = self._stack.keys.api_token, migrations_digest(service)
        done = {"migrations": migrations, "token": hashlib.sha256(token.encode()).hexdigest()}
        if migrations is not None and self._stack.folder.read(PROVISIONED_FILE).get(service) == done:
            return
        log = self._stack.folder.logs / f"{service}-migrate.log"
        await run_to_end(migrate_launch(service, around), log, given=f"{token}\n".encode())
        # Remembered next to the cluster, so that it is forgotten with it.
        everything = self._stack.folder.read(PROVISIONED_FILE)
        self._stack.folder.write(PROVISIONED_FILE, everything | {service: done})


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first; the others were cancelled for it or are the same trouble elsewhere."""
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    return errors
