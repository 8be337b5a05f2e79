import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path

import pytest

from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.outgoing import open_http_client
from crossdock_chassis.repeating import repeat
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.messaging.asking import Asking
from order_service.messaging.jobs import MarketplaceJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace

from .server import ToyServer, running_toy

Working = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
async def toy() -> AsyncIterator[ToyServer]:
    """The marketplace's own server."""
    async with running_toy() as server:
        yield server


@pytest.fixture
async def marketplaces(tmp_path: Path) -> AsyncIterator[Mapping[str, Marketplace]]:
    """What is found in a folder of members that holds nothing but the toy's."""
    folder = tmp_path / "toy_members" / "toy"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    shutil.copy(Path(__file__).with_name("member.py"), folder / "__init__.py")
    sys.path.insert(0, str(tmp_path))
    try:
        async with open_http_client("marketplaces") as http:
            yield load_marketplaces(http, import_module("toy_members"))
    finally:
        sys.path.remove(str(tmp_path))
        for name in [one for one in sys.modules if one.split(".")[0] == "toy_members"]:
            del sys.modules[name]


@pytest.fixture
def working(database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> Working:
    """The jobs of one process and who asks for them, as the work role runs them."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        jobs = MarketplaceJobs(database, marketplaces, Retention())
        bounds = JobBounds(first_retry_s=0.05, last_retry_s=0.2, stop_s=0.5)
        runner = JobRunner(database, jobs.handlers(), [Destination("toy")], bounds)
        asking, stop = Asking(database, marketplaces), asyncio.Event()
        tasks = [
            asyncio.create_task(runner.run()),
            asyncio.create_task(repeat("ask", asking.ask, stop, every_s=0.1)),
            asyncio.create_task(repeat("refresh", asking.refresh, stop, every_s=0.1)),
        ]
        try:
            yield
        finally:
            stop.set()
            await runner.stop()
            await asyncio.gather(*tasks)

    return run
