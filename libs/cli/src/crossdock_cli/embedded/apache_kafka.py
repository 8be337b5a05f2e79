"""A real Apache Kafka (KRaft, no ZooKeeper) on loopback: one broker, or three with replication."""

import asyncio
import base64
import json
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from crossdock_cli.embedded.broker_probe import answering_cluster
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.kafka_jars import default_jar_cache, kafka_jars, program
from crossdock_cli.embedded.launch import (
    CLEAN_ENVIRONMENT,
    LOOPBACK,
    Launch,
    end_process,
    free_port,
    log_tail,
    refuse_taken_port,
)
from crossdock_cli.embedded.supervisor import Child
from crossdock_cli.embedded.topics import Topic, create_missing_topics, load_topics

_LOG4J = """<Configuration status="WARN">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d %-5p %c{1}: %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


class ApacheKafka:
    """One cluster whose nodes are broker and controller at once. Its data survives a restart, as does its id.

    The same words as `TansuBroker`; a start takes seconds, and Java 17 or newer is needed.
    """

    def __init__(
        self,
        data_folder: Path,
        *,
        nodes: int = 1,
        ports: Sequence[int] | None = None,
        advertised_ports: Sequence[int] | None = None,
        topics: Sequence[Topic] | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        jar_cache: Path | None = None,
    ) -> None:
        """Nothing runs yet. `nodes` 1 or 3; `ports` one per node for clients, None: free ones.

        `advertised_ports`: where clients are sent, one per node, when something stands between them and
        `ports`; the nodes talk to each other past it. `settings`: a broker's own, on top of ours.
        """
        for given in (ports, advertised_ports):
            if nodes not in (1, 3) or (given is not None and len(given) != nodes):
                raise EmbeddedError("Apache Kafka runs here with one node or three, and a port for each")
        self._folder = data_folder.resolve()
        self._jar_cache = jar_cache or default_jar_cache()
        #: Where each node listens for clients.
        self.ports = tuple(ports or (free_port() for _ in range(nodes)))
        self._advertised_ports = list(advertised_ports or self.ports)
        self._internal_ports = [free_port() for _ in range(nodes)]
        self._controller_ports = [free_port() for _ in range(nodes)]
        self._extra_settings = dict(settings)
        chosen = load_topics() if topics is None else topics
        self._topics = tuple(topic.embedded() if nodes == 1 else topic for topic in chosen)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.cluster_id = ""

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect, `host:port,host:port`; the same over restarts."""
        return _servers(self._advertised_ports)

    @property
    def direct_servers(self) -> str:
        """The nodes themselves, past whatever stands before the advertised ports; for administration."""
        return _servers(self._internal_ports)

    def prepare(self) -> None:
        """Fetch the jars, write the settings, format new data folders. Safe to repeat; blocks for seconds."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.cluster_id = self._known_cluster_id()
        (self._folder / "log4j2.xml").write_text(_LOG4J, encoding="utf-8")
        for node in range(len(self.ports)):
            self._settings_file(node).write_text(self._settings(node), encoding="utf-8")
            if not (self._data(node) / "meta.properties").exists():
                self._format(node)

    def launch(self, node: int) -> Launch:
        """Return the process of one node, counted from 0; `prepare` comes first."""
        return self._java("kafka.Kafka", str(self._settings_file(node)))

    def as_children(self) -> list[Child]:
        """Return the nodes for a supervisor that starts them together: one of three waits for a second.

        The topics are created by `create_topics` when all are up.
        """

        def child(node: int) -> Child:
            def prepare_and_launch() -> Launch:
                if node == 0:
                    self.prepare()
                return self.launch(node)

            async def is_ready() -> bool:
                return await self.node_is_ready(node)

            # The last to stop waits for a quorum that is gone; killing it costs a log check at the start.
            return Child(f"kafka-{node}", prepare_and_launch, is_ready, ready_timeout_s=120, stop_timeout_s=6)

        return [child(node) for node in range(len(self.ports))]

    async def start(self, *, with_topics: bool = True, timeout_s: float = 90) -> None:
        """Start the nodes that do not run, wait until all answer, create the missing topics.

        Raises EmbeddedError, with the end of a node's log, when that does not happen in time.
        """
        await asyncio.to_thread(self.prepare)
        for node in range(len(self.ports)):
            if node not in self._processes:
                self._start_node(node)
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.is_ready():
                    for node, process in self._processes.items():
                        if process.poll() is not None:
                            raise EmbeddedError(
                                f"Kafka node {node} ended while starting:\n{log_tail(self._log(node))}"
                            )
                    await asyncio.sleep(0.1)
                if with_topics:
                    await self.create_topics()
        except TimeoutError as error:
            await self.kill()
            raise EmbeddedError(
                f"Kafka does not answer after {timeout_s} s:\n{log_tail(self._log(0))}"
            ) from error
        except BaseException:
            await self.kill()
            raise

    async def is_ready(self) -> bool:
        """Whether every node answers as this cluster."""
        for node in range(len(self.ports)):
            if not await self.node_is_ready(node):
                return False
        return True

    async def node_is_ready(self, node: int) -> bool:
        """Whether one node answers as this cluster: it has caught up with the controller by then."""
        return await answering_cluster(self._internal_ports[node]) == self.cluster_id

    def controller(self) -> int | None:
        """The node that leads the metadata quorum; None while none is elected.

        Read from what the nodes keep on disk about elections, the latest one counts: a broker asked over
        the wire names any living node as "the controller" (KIP-590). The leader may have died since.
        """
        known = [state for node in range(len(self.ports)) if (state := self._quorum_state(node))]
        latest = max(known, key=lambda state: state["leaderEpoch"], default=None)
        return latest["leaderId"] if latest is not None and latest["leaderId"] >= 0 else None

    def _quorum_state(self, node: int) -> dict[str, int] | None:
        file = self._data(node) / "__cluster_metadata-0" / "quorum-state"
        try:
            found: dict[str, int] = json.loads(file.read_bytes())
        except (OSError, ValueError):  # not there yet, or being replaced
            return None
        return found

    async def create_topics(self) -> None:
        """Create the topics that are missing. Safe to repeat."""
        await create_missing_topics(self.direct_servers, self._topics)

    async def stop(self) -> None:
        """Stop all nodes; the data stays."""
        await self._end(list(self._processes), signal.SIGTERM)

    async def kill(self) -> None:
        """End all nodes as a crash would (SIGKILL)."""
        await self._end(list(self._processes), signal.SIGKILL)

    async def kill_node(self, node: int) -> None:
        """End one node as a crash would; `start` brings it back."""
        await self._end([node], signal.SIGKILL)

    async def stop_node(self, node: int) -> None:
        """Let one node hand its partitions over and end; `start` brings it back."""
        await self._end([node], signal.SIGTERM)

    def pause_node(self, node: int) -> None:
        """Freeze one node: its connections stay open, and nothing answers."""
        self._processes[node].send_signal(signal.SIGSTOP)

    def resume_node(self, node: int) -> None:
        """Let a frozen node go on."""
        self._processes[node].send_signal(signal.SIGCONT)

    async def restart(self, *, with_topics: bool = True) -> None:
        """Stop all nodes and start them on their data again."""
        await self.stop()
        await self.start(with_topics=with_topics)

    async def _end(self, nodes: Sequence[int], number: signal.Signals) -> None:
        processes = [self._processes.pop(node) for node in nodes]
        # Together: a node alone waits long for the quorum that would take over from it.
        await asyncio.gather(*(end_process(process, number, patience_s=20) for process in processes))

    def _start_node(self, node: int) -> None:
        refuse_taken_port(self.ports[node], f"Kafka node {node}")
        launch = self.launch(node)
        with self._log(node).open("ab") as log:
            self._processes[node] = subprocess.Popen(  # noqa: S603  our own arguments
                launch.argv, stdout=log, stderr=subprocess.STDOUT, **launch.popen_options()
            )

    def _java(self, *arguments: str) -> Launch:
        return Launch(
            argv=[
                program("java", "Java 17 or newer"),
                *("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                f"-Dlog4j2.configurationFile={self._folder / 'log4j2.xml'}",
                *("-cp", f"{kafka_jars(self._jar_cache)}/*"),
                *arguments,
            ],
            environment={**CLEAN_ENVIRONMENT, "HOME": str(self._folder)},
            folder=self._folder,
            death_signal=signal.SIGTERM,
        )

    def _format(self, node: int) -> None:
        launch = self._java(
            *("kafka.tools.StorageTool", "format"),
            *("--cluster-id", self.cluster_id, "--config", str(self._settings_file(node))),
        )
        finished = subprocess.run(  # noqa: S603  our own arguments
            launch.argv, capture_output=True, timeout=120, check=False, **launch.popen_options()
        )
        if finished.returncode != 0:
            raise EmbeddedError(
                f"Kafka cannot use {self._data(node)}:\n{finished.stderr.decode(errors='replace')[-2000:]}"
            )

    def _settings(self, node: int) -> str:
        voters = ",".join(f"{n}@{LOOPBACK}:{port}" for n, port in enumerate(self._controller_ports))
        internal = f"INTERNAL://{LOOPBACK}:{self._internal_ports[node]}"
        client, advertised = (
            f"CLIENT://{LOOPBACK}:{ports[node]}" for ports in (self.ports, self._advertised_ports)
        )
        copies = len(self.ports)
        in_sync = min(2, copies)
        return "\n".join(
            [
                "process.roles=broker,controller",
                f"node.id={node}",
                f"controller.quorum.voters={voters}",
                "controller.listener.names=CONTROLLER",
                f"listeners={client},{internal},CONTROLLER://{LOOPBACK}:{self._controller_ports[node]}",
                f"advertised.listeners={advertised},{internal}",
                "inter.broker.listener.name=INTERNAL",
                "listener.security.protocol.map=CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
                f"log.dirs={self._data(node)}",
                "auto.create.topics.enable=false",
                f"default.replication.factor={copies}",
                f"min.insync.replicas={in_sync}",
                f"offsets.topic.replication.factor={copies}",
                "offsets.topic.num.partitions=8",
                f"transaction.state.log.replication.factor={copies}",
                f"transaction.state.log.min.isr={in_sync}",
                "transaction.state.log.num.partitions=4",
                f"share.coordinator.state.topic.replication.factor={copies}",
                f"share.coordinator.state.topic.min.isr={in_sync}",
                "group.initial.rebalance.delay.ms=0",
                *(f"{name}={value}" for name, value in self._extra_settings.items()),
                "",
            ]
        )

    def _known_cluster_id(self) -> str:
        """Return the id the data was formatted with, or a new one: Kafka's are 22 characters of base64."""
        file = self._folder / "cluster_id"
        if not file.exists():
            file.write_text(_new_cluster_id(), encoding="ascii")
        return file.read_text(encoding="ascii").strip()

    def _settings_file(self, node: int) -> Path:
        return self._folder / f"node-{node}.properties"

    def _data(self, node: int) -> Path:
        return self._folder / f"node-{node}"

    def _log(self, node: int) -> Path:
        return self._folder / f"node-{node}.log"


def _servers(ports: Sequence[int]) -> str:
    return ",".join(f"{LOOPBACK}:{port}" for port in ports)


def _new_cluster_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):  # a command line would take it for an option
            return text
