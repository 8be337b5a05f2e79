"""The brokers and the database server: the same verbs, by node."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from crossdock_cli.embedded.apache_kafka import ApacheKafka
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.postgres import PostgresServer

from .processes import Process

_ADMIN_S = 10.0


class Brokers:
    """Three Apache Kafka nodes, 0 to 2. What is killed or stopped stays so until `start` or `heal`."""

    def __init__(self, kafka: ApacheKafka, processes: Sequence[Process]) -> None:
        self._kafka = kafka
        self.processes = tuple(processes)

    async def kill(self, node: int) -> None:
        """SIGKILL."""
        self.processes[node].hold(True)
        await self.processes[node].kill()

    async def stop(self, node: int) -> None:
        """SIGTERM: partitions are handed over before it ends."""
        self.processes[node].hold(True)
        await self.processes[node].terminate()

    async def pause(self, node: int) -> None:
        """SIGSTOP."""
        await self.processes[node].pause()

    async def resume(self, node: int) -> None:
        """SIGCONT."""
        await self.processes[node].resume()

    async def start(self, node: int) -> None:
        """Returns when the node answers. Raises EmbeddedError."""
        self.processes[node].hold(False)
        await self.processes[node].wait_ready(timeout_s=90)

    async def controller(self) -> int:
        """The node that is the active controller. Raises EmbeddedError when none is elected in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ADMIN_S):
                while True:
                    leader = self._kafka.controller()
                    if leader is not None and self.processes[leader].pid:
                        return leader
                    await asyncio.sleep(0.1)
        raise EmbeddedError("the brokers have no active controller")

    async def coordinators(self, groups: Sequence[str]) -> dict[str, int]:
        """Consumer group -> the node that coordinates it. Raises EmbeddedError when nobody can tell."""
        async with _Admin(self._kafka) as admin:
            return {group: int(await admin.find_coordinator(group)) for group in groups}

    async def under_replicated(self) -> list[str]:
        """`topic/partition` of which not every copy is in sync. Raises EmbeddedError when nobody can tell."""
        async with _Admin(self._kafka) as admin:
            return [
                f"{topic['topic']}/{one['partition']}"
                for topic in await admin.describe_topics()
                for one in topic["partitions"]
                if set(one["isr"]) != set(one["replicas"])
            ]


class _Admin:
    """A client past the proxies, for a few questions."""

    def __init__(self, kafka: ApacheKafka) -> None:
        self._client = AIOKafkaAdminClient(
            bootstrap_servers=kafka.direct_servers, request_timeout_ms=int(_ADMIN_S * 1000)
        )

    async def __aenter__(self) -> AIOKafkaAdminClient:
        try:
            await self._client.start()
        except (KafkaError, OSError) as error:
            await self._client.close()
            raise EmbeddedError(f"no broker answers ({type(error).__name__})") from error
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        await self._client.close()
        if isinstance(error, (KafkaError, OSError, TimeoutError)):
            raise EmbeddedError(f"the brokers cannot tell ({type(error).__name__})") from error


class Database:
    """The one PostgreSQL server with the four databases."""

    def __init__(self, server: PostgresServer, process: Process) -> None:
        self._server = server
        self.process = process

    async def crash(self) -> float:
        """SIGKILL the postmaster and all its children, start it again, return the seconds it was away."""
        began = time.monotonic()
        self._signal_all(signal.SIGSTOP)  # or it would start new children meanwhile
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        await self.process.kill()
        self.process.hold(False)
        await self.process.wait_ready(timeout_s=120)
        return time.monotonic() - began

    async def terminate_backends(self, service: str | None = None) -> int:
        """End every session of a service's database, or of all four; returns how many."""
        name = f"crossdock_{service or '%'}"
        ended = await asyncio.to_thread(
            self._server.sql,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            f" WHERE datname LIKE '{name}' AND backend_type = 'client backend';",
        )
        return int(ended)

    async def pause(self) -> None:
        """SIGSTOP the postmaster and every backend there is."""
        await self.process.pause()
        self._signal_all(signal.SIGSTOP)

    async def resume(self) -> None:
        """SIGCONT."""
        self._signal_all(signal.SIGCONT)
        await self.process.resume()

    @property
    def pids(self) -> list[int]:
        """The postmaster and its children; [] while it does not run."""
        postmaster = self.process.pid
        return [postmaster, *_children(postmaster)] if postmaster else []

    def _signal_all(self, number: signal.Signals) -> None:
        """The postmaster first. Backends lead process groups of their own: each is signalled by itself."""
        postmaster = self.process.pid
        if postmaster:
            os.kill(postmaster, number)
            for pid in _children(postmaster):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


def _children(parent: int) -> Iterator[int]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            # "pid (name) state ppid ...", and a name may hold anything: proc_pid_stat(5)
            if int(file.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(file.parent.name)
