"""Everything up, told where the wires are, and put right again by `heal`."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from crossdock_cli.embedded.apache_kafka import ApacheKafka
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch, run_to_end
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.supervisor import Child, cap_log
from crossdock_cli.embedded.topics import Topic, load_topics
from crossdock_cli.embedded.usage import Usage, usage_of
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import Keys, ensure_keys
from crossdock_cli.stack.services import (
    MAILBOX_USER,
    SERVICES,
    ServiceProcess,
    Surroundings,
    migrate_launch,
)

from ...system import System
from .addresses import NODES, SANDBOXES, Addresses, replicated
from .links import Link, Links
from .nodes import Brokers, Database
from .processes import Process, ProcessEvent

STARTS_AT_ONCE = 4  # each takes up to two CPU seconds; more of them on two cores only take longer
START_S = 600.0  # all of them in turn on a busy machine; one that fails ends sooner
LOG_LIMIT_BYTES = 100_000_000
_LOG_LOOK_S = 5.0
_LOOK_S = 0.5

_KAFKA_SETTINGS = {
    # A frozen broker is out of sync within seconds, so that a run of minutes sees what comes after.
    "replica.lag.time.max.ms": "10000",
    # Two seconds without an answer from the leader are nothing on a machine that is this busy.
    "controller.quorum.fetch.timeout.ms": "4000",
}
#: Each process of each replica has a pool of its own, as the product has it.
_MAX_CONNECTIONS = 600


class NotHealed(Exception):
    """What is not as it should be, in words, after the time `heal` was given."""


def _first(error: BaseException) -> BaseException:
    """Of those that failed together: a person can act on one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Ground:
    """Inside `async with` everything is up: topics made, migrations run, the token stored.

    Enter it on the main thread: the kernel ends all processes when that ends, however it ends.
    """

    system: System
    brokers: Brokers
    postgres: Database

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 2,
        on_event: Callable[[ProcessEvent], None] = lambda event: None,
    ) -> None:
        """Nothing runs yet. `folder`: new or empty, and within reach of an ordinary user when we are root.

        `on_event` is called on the loop; it must neither block nor raise.
        """
        self._folder = DataFolder(folder)
        self._on_event = on_event
        self._services = replicated(replicas)
        self._addresses = Addresses(self._services)
        self._own = self._addresses.own
        #: "order-api-0" ... "notify-work-1", and the sandboxes "shopify", "easypost", "mailbox".
        self.processes: dict[str, Process] = {}
        self._links = Links(self._addresses.wires, log=self._folder.logs / "links.log")
        #: "kafka-0" to "kafka-2", "order-db", "inventory-db", "shipping-db", "notify-db", "shopify",
        #: "easypost", "smtp".
        self.links: Mapping[str, Link] = self._links.by_name
        self._exit = AsyncExitStack()

    def entries(self, service: str) -> list[str]:
        """Base URLs of the API replicas of a service."""
        return [
            f"http://{LOOPBACK}:{self._own[one.port_name]}"
            for one in self._services
            if one.service == service and one.role == "api"
        ]

    async def heal(self, *, timeout_s: float = 120) -> None:
        """Links whole, paused ones resumed, dead ones up, all copies in sync. Raises NotHealed."""
        await self._links.heal()
        await self.postgres.resume()
        everyone = self._everyone()
        for process in everyone:
            await process.resume()
            process.hold(False)
        try:
            async with asyncio.timeout(timeout_s):
                for process in everyone:
                    await process.wait_ready(timeout_s=timeout_s)
                while missing := await self._missing():  # noqa: ASYNC110  others get ready
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            missing = await self._missing()
        except EmbeddedError as error:
            raise NotHealed(str(error)) from error
        if missing:
            raise NotHealed(f"not whole after {timeout_s:.0f} s: {', '.join(missing)}")

    def usage(self) -> Usage:
        """Of everything together, the proxies too, without the harness."""
        pids = [process.pid for process in self._everyone() if process is not self.postgres.process]
        return usage_of([*pids, *self.postgres.pids, self._links.pid])

    async def __aenter__(self) -> Self:
        try:
            self._exit.enter_context(self._folder.locked())
            self._http = await self._exit.enter_async_context(httpx.AsyncClient(timeout=2))
            await self._exit.enter_async_context(self._links)
            await self._start(ensure_keys(self._folder))
            caps = asyncio.create_task(self._cap_logs())
            self._exit.callback(caps.cancel)
        except BaseExceptionGroup as failures:
            await self._exit.aclose()
            raise _first(failures) from failures
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    # -- starting

    async def _start(self, keys: Keys) -> None:
        kafka = ApacheKafka(
            self._folder.path / "kafka",
            nodes=NODES,
            ports=[self._own[f"kafka-{node}"] for node in range(NODES)],
            advertised_ports=[self.links[f"kafka-{node}"].port for node in range(NODES)],
            topics=_topics(),
            settings=_KAFKA_SETTINGS,
        )
        await asyncio.to_thread(kafka.prepare)
        server = PostgresServer(self._folder.path / "postgres", port=self._own["postgres"])
        # None of them waits for another's slot: services that start may be waiting for them.
        base = asyncio.Semaphore(NODES + 1 + len(SANDBOXES))
        self.brokers = Brokers(kafka, [self._process(child, base) for child in kafka.as_children()])
        self.postgres = Database(server, self._process(_with_room(server.as_child()), base))
        for name in SANDBOXES:
            self.processes[name] = self._process(self._sandbox(name, keys), base)
        self._exit.push_async_callback(self._stop)
        async with asyncio.TaskGroup() as group:
            databases = group.create_task(self._provision(server, keys))
            for process in (*self.brokers.processes, *self.processes.values()):
                group.create_task(process.start())
        await kafka.create_topics()
        self.system = self._as_judged(databases.result(), kafka, keys)
        await self._start_services(self._surroundings(databases.result(), kafka, keys))

    async def _provision(self, server: PostgresServer, keys: Keys) -> dict[str, DatabaseUrls]:
        """The server, its databases, their migrations and the token of the API."""
        await self.postgres.process.start()
        databases = await asyncio.to_thread(server.ensure_service_databases)
        around = Surroundings(databases, "127.0.0.1:1", "apache", self._addresses.as_told(), keys)
        async with asyncio.TaskGroup() as group:
            for service in SERVICES:
                launch = migrate_launch(service, around)
                log = self._folder.logs / f"{service}-migrate.log"
                group.create_task(run_to_end(launch, log, given=f"{keys.api_token}\n".encode()))
        return databases

    async def _start_services(self, around: Surroundings) -> None:
        slots = asyncio.Semaphore(STARTS_AT_ONCE)
        for one in self._services:
            self.processes[one.name] = self._process(self._service(one, around), slots)
        async with asyncio.TaskGroup() as group:
            for one in self._services:
                group.create_task(self.processes[one.name].start())

    def _surroundings(
        self, databases: Mapping[str, DatabaseUrls], kafka: ApacheKafka, keys: Keys
    ) -> Surroundings:
        """What the services are told: the wires, wherever there is one."""
        direct = f"{LOOPBACK}:{self._own['postgres']}/"
        through = {
            service: DatabaseUrls(
                *(
                    url.replace(direct, f"{LOOPBACK}:{self.links[f'{service}-db'].port}/")
                    for url in (urls.owner_url, urls.app_url)
                )
            )
            for service, urls in databases.items()
        }
        return Surroundings(through, kafka.bootstrap_servers, "apache", self._addresses.as_told(), keys)

    def _as_judged(self, databases: Mapping[str, DatabaseUrls], kafka: ApacheKafka, keys: Keys) -> System:
        return System(
            databases={service: urls.owner_url for service, urls in databases.items()},
            bootstrap_servers=kafka.direct_servers,
            kafka_profile="apache",
            services={service: self.entries(service)[0] for service in SERVICES},
            sandboxes={name: f"http://{LOOPBACK}:{self._own[name]}" for name in SANDBOXES},
            api_token=keys.api_token,
            logs=self._folder.logs,
            processes=Counter(one.service for one in self._services),
        )

    def _service(self, one: ServiceProcess, around: Surroundings) -> Child:
        # A service gives itself up to 36 s for the work in hand.
        return self._child(one.name, one.launch(around), one.health_url(self._own), stop_timeout_s=40)

    def _sandbox(self, name: str, keys: Keys) -> Child:
        arguments = [name, "--port", str(self._own[name]), "--data", str(self._folder.path / "sandbox")]
        environment = dict(CLEAN_ENVIRONMENT)
        if name == "mailbox":
            arguments += ["--smtp-port", str(self._own["smtp"])]
            environment["SANDBOX_MAILBOX_LOGIN"] = f"{MAILBOX_USER}:{keys.mailbox_password}"
        if name == "easypost":
            environment["SANDBOX_EASYPOST_API_KEYS"] = keys.easypost_api_key
        launch = Launch([sys.executable, "-m", "crossdock_sandbox", *arguments], environment)
        url = f"http://{LOOPBACK}:{self._own[name]}/_sandbox/health"
        return self._child(name, launch, url, stop_timeout_s=10)

    def _child(self, name: str, launch: Launch, url: str, *, stop_timeout_s: float) -> Child:
        async def is_ready() -> bool:
            try:
                return (await self._http.get(url)).is_success
            except httpx.TransportError:
                return False

        return Child(name, lambda: launch, is_ready, stop_timeout_s=stop_timeout_s)

    def _process(self, child: Child, slots: asyncio.Semaphore) -> Process:
        child = replace(child, ready_timeout_s=START_S)
        return Process(child, self._folder.logs, starts=slots, on_event=self._on_event)

    # -- while it runs, and the end

    def _everyone(self) -> list[Process]:
        return [self.postgres.process, *self.brokers.processes, *self.processes.values()]

    async def _missing(self) -> list[str]:
        everyone = self._everyone()
        states = await asyncio.gather(*(process.ready() for process in everyone))
        missing = [process.name for process, is_ready in zip(everyone, states, strict=True) if not is_ready]
        if not any(process.name in missing for process in self.brokers.processes):
            try:
                behind = await self.brokers.under_replicated()
            except EmbeddedError as error:
                return [*missing, str(error)]
            if behind:
                missing.append(f"copies of {len(behind)} partitions, {behind[0]} among them")
        return missing

    async def _cap_logs(self) -> None:
        while True:
            await asyncio.sleep(_LOG_LOOK_S)
            for process in self._everyone():
                await asyncio.to_thread(cap_log, process.log, LOG_LIMIT_BYTES)

    async def _stop(self) -> None:
        """The database in good order, so that it can be looked at afterwards; the others at once."""
        others = [process for process in self._everyone() if process is not self.postgres.process]
        await asyncio.gather(*(process.stop(signal.SIGKILL) for process in others))
        await self.postgres.resume()
        await self.postgres.process.stop()


def _topics() -> list[Topic]:
    """As operators order them, with a laptop's partitions: two cores carry three copies of so many."""
    return [one.model_copy(update={"partitions": one.embedded_partitions}) for one in load_topics()]


def _with_room(postgres: Child) -> Child:
    """The server for more sessions than one installation has; the last of two equal settings counts."""

    def launch() -> Launch:
        given = postgres.launch()
        return replace(given, argv=[*given.argv, f"--max_connections={_MAX_CONNECTIONS}"])

    return replace(postgres, launch=launch)
