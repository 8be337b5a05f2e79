"""A stack from its start to its end, with the real database, broker and sandboxes but without services."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.record import read_record
from crossdock_cli.stack.run import Stack, StackOptions


async def run_until(folder: DataFolder, options: StackOptions, use: Any) -> None:
    """Start a stack, `await use(stack)` while it runs, stop it."""
    stack = Stack(folder, options)
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(stack.run(stop, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if ready.is_set():
            await use(stack)
    finally:
        stop.set()
        await running


@pytest.mark.timeout(120)
async def test_what_dies_is_started_again_and_all_ends_with_the_stack(fresh_folder: Path) -> None:
    folder = DataFolder(fresh_folder)
    pids: list[int] = []

    async def use(stack: Stack) -> None:
        record = read_record(folder) or {}
        assert record["ready"]
        before = {one["name"]: one["pid"] for one in record["processes"]}
        os.kill(before["mailbox"], signal.SIGKILL)
        async with asyncio.timeout(30), httpx.AsyncClient() as http:
            while stack.record.processes["mailbox"]["restarts"] == 0 or not _is_ready(stack, "mailbox"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            answer = await http.get(f"{record['urls']['mailbox']}/_sandbox/health")
        assert answer.is_success
        pids.extend(one["pid"] for one in stack.record.processes.values())

    with folder.locked():
        await run_until(folder, StackOptions(services=()), use)

    assert len(pids) == 5
    assert not [pid for pid in pids if is_there(pid)]
    assert read_record(folder) is None


async def test_a_first_start_that_fails_stops_the_others_and_says_why(fresh_folder: Path) -> None:
    folder = DataFolder(fresh_folder)

    async def use(stack: Stack) -> None:
        raise AssertionError("it must not become ready")

    with folder.locked():
        (fresh_folder / "postgres").mkdir()
        (fresh_folder / "postgres" / "stranger").touch()
        with pytest.raises(EmbeddedError, match="was not made by crossdock"):
            await run_until(folder, StackOptions(services=()), use)

    assert read_record(folder) is None


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_ready(stack: Stack, name: str) -> bool:
    return bool(stack.record.processes[name]["state"] == "ready")


def test_a_record_of_a_stack_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text(json.dumps({"pid": 1, "urls": {}}), encoding="utf-8")
    (tmp_path / "lock").touch()

    assert read_record(DataFolder(tmp_path)) is None
