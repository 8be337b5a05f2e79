"""A real inventory database per test, and a way to say events to it and see what it says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from inventory_service.persistence.database import open_database

from .stage import Stage

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
async def stage(fresh_database: FreshDatabase) -> AsyncIterator[Stage]:
    """Warehouses BER (preferred) and POZ, SKUs `mug` and `cap`, no stock."""
    urls = fresh_database("inventory", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    engine = open_engine(urls.app_url, pool_size=10, max_overflow=20)
    stage = Stage(open_database(engine), urls)
    await stage.set_up()
    yield stage
    await stage.database.dispose()
