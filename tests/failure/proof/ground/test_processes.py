"""A process of the ground comes back whatever is done to it, unless it is held."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch, free_port
from crossdock_cli.embedded.supervisor import Child

from .processes import Process, ProcessEvent, ProcessState

#: Answers every line with its environment's word and its PYTHONPATH.
SERVER = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    client, _ = listener.accept()
    with client:
        client.sendall(f"{os.environ.get('WORD', '')} {os.environ.get('PYTHONPATH', '')}".encode())
"""


async def says(port: int) -> str:
    """What the server answers, "" when it does not."""
    try:
        async with asyncio.timeout(0.5):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                return (await reader.read()).decode()
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError):
        return ""


class Case:
    """A process, the port it answers on, and what was told of it."""

    def __init__(self, logs: Path, *argv: str) -> None:
        self.port = free_port()
        self.told: list[ProcessEvent] = []
        launch = Launch(argv or (sys.executable, "-S", "-c", SERVER, str(self.port)), CLEAN_ENVIRONMENT)

        async def is_ready() -> bool:
            return bool(await says(self.port))

        self.process = Process(
            Child("one", lambda: launch, is_ready, ready_timeout_s=30, stop_timeout_s=2),
            logs,
            starts=asyncio.Semaphore(1),
            on_event=self.told.append,
        )

    def states(self) -> list[ProcessState]:
        return [event.state for event in self.told]


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    made = Case(tmp_path)
    await made.process.start()
    yield made
    await made.process.stop()


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  what it waits for happens in another process
            await asyncio.sleep(0.01)


async def test_what_is_killed_comes_back_and_the_outage_is_kept(case: Case) -> None:
    first = case.process.pid

    await case.process.kill()
    await case.process.wait_ready(timeout_s=30)

    assert case.process.pid not in (0, first)
    assert [one.reason for one in case.process.outages] == ["killed by signal 9"]
    assert 0 < case.process.outages[0].seconds < 30
    starting, ready, died = ProcessState.STARTING, ProcessState.READY, ProcessState.DIED
    assert case.states() == [starting, ready, died, starting, ready]


async def test_what_dies_by_itself_comes_back(case: Case) -> None:
    os.kill(case.process.pid, 11)

    await eventually(lambda: bool(case.process.outages))

    assert case.process.outages[0].reason == "killed by signal 11"


async def test_what_is_held_stays_dead_until_it_is_let_go(case: Case) -> None:
    case.process.hold(True)
    await case.process.terminate()
    await asyncio.sleep(0.5)

    assert case.process.pid == 0
    assert not await case.process.ready()
    case.process.hold(False)

    await case.process.wait_ready(timeout_s=30)


async def test_what_is_paused_does_not_answer_until_it_goes_on(case: Case) -> None:
    await case.process.pause()

    assert await says(case.port) == ""
    assert not await case.process.ready()
    await case.process.resume()

    assert await says(case.port) != ""
    assert await case.process.ready()


async def test_what_is_paused_can_be_terminated(case: Case) -> None:
    await case.process.pause()

    await case.process.terminate()

    await case.process.wait_ready(timeout_s=30)
    assert case.process.outages[0].reason == "killed by signal 15"


async def test_another_environment_is_for_one_start_and_other_code_for_all(
    case: Case, tmp_path: Path
) -> None:
    (tmp_path / "services" / "order-service" / "src").mkdir(parents=True)

    await case.process.restart(code=tmp_path, extra_env={"WORD": "armed"})
    armed = await says(case.port)
    await case.process.kill()
    await case.process.wait_ready(timeout_s=30)

    assert armed.split() == ["armed", f"{tmp_path}/services/order-service/src"]
    assert (await says(case.port)).split() == armed.split()[1:]


async def test_a_folder_without_a_release_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="does not hold a release"):
        await case.process.restart(code=tmp_path)


async def test_a_first_start_that_fails_is_not_repeated(tmp_path: Path) -> None:
    case = Case(tmp_path, sys.executable, "-c", "print('no port'); raise SystemExit(3)")

    with pytest.raises(EmbeddedError, match="no port"):
        await case.process.start()

    assert case.states() == [ProcessState.STARTING, ProcessState.DIED]
    assert case.told[-1].reason == "ended with code 3"
    await case.process.stop()
