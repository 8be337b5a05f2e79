"""A Crossdock whose log, and whose databases, can be lost: one process per service, a real Apache Kafka."""

import asyncio
import shutil
import signal
import sys
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx

from crossdock_cli.connection import Connection
from crossdock_cli.embedded.apache_kafka import ApacheKafka
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch, free_port, run_to_end
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.supervisor import Child
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import ensure_keys
from crossdock_cli.stack.services import (
    MAILBOX_USER,
    SERVICES,
    ServiceProcess,
    Surroundings,
    migrate_launch,
)

from ..proof.ground.processes import Process
from .backup import Archived

SANDBOXES = ("shopify", "easypost", "mailbox")
_READY_S = 180.0


class Ground:
    """Inside `async with` everything is up. Enter it on the main thread: what it starts ends with that.

    `victim`: the service whose database has a server, and an archive, of its own; None: none has.
    """

    def __init__(self, data: DataFolder, *, victim: str | None) -> None:
        """Nothing runs yet. The caller holds the folder's lock."""
        self._folder, folder = data, data.path
        self._keys = ensure_keys(self._folder)
        names = [*SERVICES, *SANDBOXES, "smtp", "postgres", "victim", "kafka"]
        self._ports = {name: free_port() for name in names}
        self._rest = PostgresServer(folder / "postgres", port=self._ports["postgres"])
        self.victim = victim
        self.archived = None if victim is None else Archived(folder / "victim", self._ports["victim"])
        self._kafka = ApacheKafka(folder / "kafka", ports=[self._ports["kafka"]])
        self._exit = AsyncExitStack()
        self.processes: dict[str, Process] = {}
        self.connection = Connection(
            {name: f"http://{LOOPBACK}:{self._ports[name]}" for name in (*SERVICES, *SANDBOXES)},
            self._keys.api_token,
            self._keys.outside,
        )

    async def __aenter__(self) -> Self:
        try:
            self._http = await self._exit.enter_async_context(httpx.AsyncClient(timeout=2))
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    # -- what is lost, and comes back

    async def lose_kafka(self) -> None:
        """All brokers and their disks."""
        await self._kafka.kill()
        shutil.rmtree(self._folder.path / "kafka")

    async def new_kafka(self) -> None:
        """An empty cluster at the same address, with the topics."""
        self._kafka = ApacheKafka(self._folder.path / "kafka", ports=[self._ports["kafka"]])
        await self._kafka.start(timeout_s=_READY_S)

    async def stop_victim(self, number: signal.Signals) -> None:
        process = self.processes[self.victim or ""]
        process.hold(True)
        await (process.kill() if number is signal.SIGKILL else process.terminate())

    async def start_victim(self) -> None:
        process = self.processes[self.victim or ""]
        process.hold(False)
        await process.wait_ready(timeout_s=_READY_S)

    async def command(self, service: str, *arguments: str) -> str:
        """What a command of the service says on its standard output. Raises EmbeddedError."""
        launch = ServiceProcess(service).launch(self._around)
        words = Launch([*launch.argv, *arguments], launch.environment)
        log = self._folder.logs / f"{service}-{'-'.join(arguments[:1])}.log"
        await run_to_end(words, log, given=b"")
        return log.read_text(encoding="utf-8")

    # -- starting

    async def _start(self) -> None:
        self._exit.push_async_callback(self._stop)
        self._rest.start()
        databases = self._rest.ensure_service_databases([one for one in SERVICES if one != self.victim])
        if self.archived is not None and self.victim is not None:
            self.archived.start()
            databases |= self.archived.server.ensure_service_databases([self.victim])
        await self._kafka.start(timeout_s=_READY_S)
        self._around = Surroundings(
            databases, self._kafka.bootstrap_servers, "apache", self._ports, self._keys
        )
        for service in SERVICES:
            log = self._folder.logs / f"{service}-migrate.log"
            launch = migrate_launch(service, self._around)
            await run_to_end(launch, log, given=f"{self._keys.api_token}\n".encode())
        for child in [*map(self._sandbox, SANDBOXES), *map(self._service, SERVICES)]:
            self.processes[child.name] = Process(
                child, self._folder.logs, starts=asyncio.Semaphore(1), on_event=lambda _: None
            )
        async with asyncio.TaskGroup() as group:
            for process in self.processes.values():
                group.create_task(process.start())

    def _service(self, service: str) -> Child:
        process = ServiceProcess(service)
        launch, url = process.launch(self._around), process.health_url(self._ports)
        return self._child(service, launch, url, stop_timeout_s=40)

    def _sandbox(self, name: str) -> Child:
        arguments = [name, "--port", str(self._ports[name]), "--data", str(self._folder.path / "sandbox")]
        environment = dict(CLEAN_ENVIRONMENT)
        if name == "mailbox":
            arguments += ["--smtp-port", str(self._ports["smtp"])]
            environment["SANDBOX_MAILBOX_LOGIN"] = f"{MAILBOX_USER}:{self._keys.mailbox_password}"
        if name == "easypost":
            environment["SANDBOX_EASYPOST_API_KEYS"] = self._keys.easypost_api_key
        launch = Launch([sys.executable, "-m", "crossdock_sandbox", *arguments], environment)
        url = f"http://{LOOPBACK}:{self._ports[name]}/_sandbox/health"
        return self._child(name, launch, url, stop_timeout_s=10)

    def _child(self, name: str, launch: Launch, url: str, *, stop_timeout_s: float) -> Child:
        async def is_ready() -> bool:
            try:
                return (await self._http.get(url)).is_success
            except httpx.TransportError:
                return False

        return Child(name, lambda: launch, is_ready, ready_timeout_s=_READY_S, stop_timeout_s=stop_timeout_s)

    async def _stop(self) -> None:
        await asyncio.gather(*(one.stop(signal.SIGKILL) for one in self.processes.values()))
        await self._kafka.kill()
        self._rest.stop()
        if self.archived is not None:
            self.archived.server.stop()

    @property
    def databases(self) -> dict[str, DatabaseUrls]:
        return dict(self._around.databases)
