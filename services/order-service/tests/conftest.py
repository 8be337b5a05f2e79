from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from order_service.persistence.sealing import Sealer
from order_service.persistence.transaction import OrderDatabase, open_database

MIGRATIONS = Path(__file__).parents[1] / "migrations"
KEY = b"k" * 32


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[OrderDatabase]:
    """The service's database, migrated, as its runtime role sees it."""
    urls = fresh_database("order", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    database = open_database(open_engine(urls.app_url), Sealer(KEY))
    yield database
    await database.dispose()
