"""Each sandbox as a process of its own: it tells where it is, and a kill costs it nothing."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.process import kinds


@asynccontextmanager
async def a_process(
    kind: str, data: Path, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock_sandbox", kind, "--data", str(data), *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("kind", kinds())
async def test_a_sandbox_says_where_it_is_and_ends_when_asked(
    kind: str, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    async with a_process(kind, tmp_path) as (process, told):
        health = await http.get(f"{told['base_url']}/_sandbox/health")
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 10)

    assert told["sandbox"] == kind
    assert health.json() == {"status": "ok"}
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "answers"), [((), False), (("--host", "127.0.0.1"), False), (("--host", "0.0.0.0"), True)]
)
async def test_only_a_sandbox_that_is_told_so_answers_beyond_loopback(
    arguments: tuple[str, ...], answers: bool, tmp_path: Path
) -> None:
    async with a_process("mailbox", tmp_path, *arguments) as (_process, told):
        port = int(told["base_url"].rpartition(":")[2])
        with socket.socket() as caller:  # all of 127.0.0.0/8 is this machine, and 127.0.0.1 is but one of it
            refused = caller.connect_ex(("127.0.0.2", port))

    assert (refused == 0) is answers


async def test_what_was_answered_survives_a_kill(tmp_path: Path, http: httpx.AsyncClient) -> None:
    shop = {"shop": "lumo", "client_secret": "s", "access_token": "t", "webhook_url": "http://127.0.0.1:9/"}
    order = {"id": 501, "line_items": [{"id": 11, "quantity": 2}]}
    async with a_process("shopify", tmp_path) as (process, told):
        await http.post(f"{told['base_url']}/_sandbox/shops", json=shop)
        put = await http.put(f"{told['base_url']}/_sandbox/shops/lumo/orders/501", json=order)
        process.kill()
        await process.wait()

    async with a_process("shopify", tmp_path) as (_process, told):
        kept = await http.get(f"{told['base_url']}/_sandbox/shops/lumo/orders/501")

    assert put.status_code == 200
    assert kept.json()["line_items"] == order["line_items"]
