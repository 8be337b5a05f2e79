"""Shared by the sandboxes' tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        yield client


Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds; fail after ten seconds."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        until = time.monotonic() + 10
        while not await condition():
            assert time.monotonic() < until, "the condition did not come true in time"
            await asyncio.sleep(0.02)

    return wait
