"""The supervisor keeps children alive and leaves none behind."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import Launch
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.supervisor import Child, ChildEvent, ChildState, Supervisor, cap_log
from crossdock_cli.embedded.tansu import TansuBroker

SLEEP = shutil.which("sleep") or "/bin/sleep"
SHELL = "/bin/sh"


def is_alive(pid: int) -> bool:
    """Whether the process is there and not a zombie, which is ended and only not yet collected."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


async def eventually(holds: Callable[[], bool], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  what it waits for happens in another process
            await asyncio.sleep(0.01)


async def always_ready() -> bool:
    return True


def a_child(
    name: str,
    argv: Sequence[str] = (SLEEP, "60"),
    *,
    is_ready: Callable[[], Awaitable[bool]] = always_ready,
    after_start: Callable[[], Awaitable[None]] | None = None,
    ready_timeout_s: float = 5,
    stop_timeout_s: float = 5,
    group: str = "",
) -> Child:
    return Child(
        name,
        lambda: Launch(argv),
        is_ready,
        after_start,
        ready_timeout_s=ready_timeout_s,
        stop_timeout_s=stop_timeout_s,
        group=group,
    )


async def test_a_killed_child_is_started_again_and_its_hook_runs_each_time(tmp_path: Path) -> None:
    starts: list[int] = []

    async def note() -> None:
        starts.append(1)

    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(a_child("sleeper", after_start=note))
        first = supervisor.status["sleeper"]
        os.kill(first.pid, signal.SIGKILL)
        await eventually(lambda: supervisor.status["sleeper"].restarts == 1 and len(starts) == 2)
        await eventually(lambda: supervisor.status["sleeper"].state is ChildState.READY)
        second = supervisor.status["sleeper"]

    assert first.pid != second.pid
    assert not is_alive(second.pid)


async def test_a_child_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    moments: list[float] = []

    def note(event: ChildEvent) -> None:
        if event.state is ChildState.STARTING:
            moments.append(time.monotonic())

    async with Supervisor(tmp_path, on_event=note) as supervisor:
        await supervisor.start(a_child("dying", (SHELL, "-c", "exit 3")))
        await eventually(lambda: len(moments) >= 4)
        reasons = supervisor.status["dying"]

    pauses = [after - before for before, after in itertools.pairwise(moments)][:3]
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4
    assert pauses[2] >= 0.8
    assert reasons.restarts >= 3


async def test_cancelling_stops_everything_the_latest_first(tmp_path: Path) -> None:
    events: list[ChildEvent] = []

    async def run() -> None:
        async with Supervisor(tmp_path, on_event=events.append) as supervisor:
            for name in ("one", "two", "three"):
                await supervisor.start(a_child(name))
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await eventually(
        lambda: [event.name for event in events if event.state is ChildState.READY][2:] == ["three"]
    )
    task.cancel()
    await asyncio.wait([task])

    assert [event.name for event in events if event.state is ChildState.STOPPED] == ["three", "two", "one"]
    assert not [event for event in events if is_alive(event.pid)]


async def test_children_of_one_group_are_given_the_same_time_to_stop(tmp_path: Path) -> None:
    stubborn = (SHELL, "-c", f"trap '' TERM; {SLEEP} 61 & wait; wait")

    async with Supervisor(tmp_path) as supervisor:
        for name in ("one", "two", "three"):
            await supervisor.start(a_child(name, stubborn, stop_timeout_s=0.5, group="services"))
        began = time.monotonic()
        await supervisor.stop()

    assert 0.4 < time.monotonic() - began < 1.4


async def test_a_failed_start_shows_the_log_of_this_start_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.log").write_text("of an earlier run\n", encoding="utf-8")

    async def never() -> bool:
        return False

    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(EmbeddedError) as failed:
            await supervisor.start(a_child("broken", (SHELL, "-c", "echo no such luck"), is_ready=never))

    assert "no such luck" in str(failed.value)
    assert "earlier" not in str(failed.value)


async def test_a_child_that_ignores_the_stop_signal_is_killed_with_its_own_children(tmp_path: Path) -> None:
    script = f"trap '' TERM; {SLEEP} 61 & echo $!; wait; wait"

    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(a_child("stubborn", (SHELL, "-c", script), stop_timeout_s=0.2))
        log = tmp_path / "stubborn.log"
        await eventually(lambda: log.read_text(encoding="utf-8").strip() != "")
        family = [supervisor.status["stubborn"].pid, int(log.read_text(encoding="utf-8"))]

    await eventually(lambda: not any(is_alive(pid) for pid in family))


async def test_a_first_start_that_fails_shows_the_end_of_the_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(EmbeddedError, match=r"ended while starting(.|\n)*no such luck"):
            await supervisor.start(a_child("broken", (SHELL, "-c", "echo no such luck"), is_ready=never))
        with pytest.raises(EmbeddedError, match=r"not ready after 0\.1 s"):
            await supervisor.start(a_child("slow", is_ready=never, ready_timeout_s=0.1))
        slow = supervisor.status["slow"].pid

    assert not is_alive(slow)


async def test_a_hook_that_fails_once_at_a_restart_is_tried_again(tmp_path: Path) -> None:
    calls: list[int] = []

    async def fail_the_second_time() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise EmbeddedError("the broker was not there yet")

    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(a_child("sleeper", after_start=fail_the_second_time))
        os.kill(supervisor.status["sleeper"].pid, signal.SIGKILL)
        await eventually(lambda: len(calls) == 3 and supervisor.status["sleeper"].state is ChildState.READY)

    assert supervisor.status["sleeper"].restarts == 2


async def test_children_see_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_ENGINE", "s3://elsewhere/")

    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(a_child("printer", (SHELL, "-c", f"env; exec {SLEEP} 60")))
        await eventually(lambda: "PATH" in (tmp_path / "printer.log").read_text(encoding="utf-8"))

    assert "elsewhere" not in (tmp_path / "printer.log").read_text(encoding="utf-8")


async def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    program = f"""
import subprocess, time
from crossdock_cli.embedded.launch import Launch
launch = Launch(["{SLEEP}", "60"])
print(subprocess.Popen(launch.argv, **launch.popen_options()).pid, flush=True)
time.sleep(60)
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await eventually(lambda: not is_alive(child))


def test_a_log_over_its_limit_is_moved_aside_under_the_writer(tmp_path: Path) -> None:
    log = tmp_path / "chatty.log"
    with log.open("a", encoding="utf-8") as writer:
        writer.write("old\n" * 100)
        writer.flush()

        cap_log(log, limit_bytes=100)
        writer.write("new\n")

    assert log.read_text(encoding="utf-8") == "new\n"
    assert (tmp_path / "chatty.log.1").read_text(encoding="utf-8") == "old\n" * 100


async def test_the_real_database_and_broker_come_back_after_being_killed(
    fresh_folder: Path, tmp_path: Path
) -> None:
    server = PostgresServer(fresh_folder, for_tests=True)
    broker = TansuBroker(tmp_path)

    async with Supervisor(tmp_path / "logs") as supervisor:
        await supervisor.start(server.as_child())
        await supervisor.start(broker.as_child())
        server.sql("CREATE TABLE kept AS SELECT 1 AS id;")
        first_cluster_id = broker.cluster_id
        for name in ("postgres", "broker"):
            os.kill(supervisor.status[name].pid, signal.SIGKILL)
        await eventually(
            lambda: all(
                event.restarts == 1 and event.state is ChildState.READY
                for event in supervisor.status.values()
            ),
            within_s=30,
        )
        kept = server.sql("SELECT count(*) FROM kept;")
        await broker.create_topics()

    assert kept == "1"
    assert broker.cluster_id != first_cluster_id
