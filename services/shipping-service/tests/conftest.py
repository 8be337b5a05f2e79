"""A real shipping database per test, and a stage to play events and carriers on."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.http import add_token
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from shipping_service.api.app import build_app
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings

from .scripted_carrier import ScriptedCarrier
from .stage import CAPABILITIES, Stage

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
async def stage(fresh_database: FreshDatabase) -> AsyncIterator[Stage]:
    """One rule that sends everything with the scripted carrier, and nothing else."""
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    settings = DomainSettings(carriers={"scripted": CAPABILITIES}, personal_for=timedelta(days=90))
    database = open_database(open_engine(urls.app_url), settings)
    stage = Stage(database, urls, ScriptedCarrier())
    await stage.set_up()
    yield stage
    await database.dispose()


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """The real application, asked in-process with a token for shipments."""
    token = await add_token(
        stage.database,
        name="tester",
        merchant_id="default",
        scopes=["shipments:read", "shipments:write"],
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(build_app(stage.database, HANDLERS, {})),
        base_url="http://shipping",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client
