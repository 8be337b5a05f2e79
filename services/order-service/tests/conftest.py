from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.http import add_token
from crossdock_chassis.migrations import upgrade
from crossdock_chassis.outgoing import open_http_client
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.api.app import build_app
from order_service.messaging import HANDLERS
from order_service.persistence.sealing import Sealer
from order_service.persistence.transaction import OrderDatabase, open_database
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace

MIGRATIONS = Path(__file__).parents[1] / "migrations"
KEY = b"k" * 32


@pytest.fixture
def urls(fresh_database: FreshDatabase) -> DatabaseUrls:
    return fresh_database("order", lambda owner_url: upgrade(MIGRATIONS, owner_url))


@pytest.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[OrderDatabase]:
    """The service's database, migrated, as its runtime role sees it."""
    database = open_database(open_engine(urls.app_url), Sealer(KEY))
    yield database
    await database.dispose()


@pytest.fixture
async def marketplaces() -> AsyncIterator[Mapping[str, Marketplace]]:
    """Every marketplace there is a folder for."""
    async with open_http_client("marketplaces") as http:
        yield load_marketplaces(http)


@pytest.fixture
async def client(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> AsyncIterator[httpx.AsyncClient]:
    """The real application, asked in-process with a token that may do everything with orders."""
    token = await add_token(
        database, name="tester", merchant_id="default", scopes=["orders:read", "orders:write"]
    )
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://order",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client
