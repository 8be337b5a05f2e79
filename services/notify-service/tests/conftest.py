"""A real notify database per test, a real mail server, and the application in-process."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.http import add_token
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_sandbox.mailbox.app import MailboxSandbox, running_mailbox
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.api.app import build_app
from notify_service.messaging import HANDLERS
from notify_service.persistence.transaction import NotifyDatabase, open_database
from notify_service.use_cases.ports import Policy

from .stage import Mailbox, Stage

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
def urls(fresh_database: FreshDatabase) -> DatabaseUrls:
    """The service's database, migrated."""
    return fresh_database("notify", lambda owner_url: upgrade(MIGRATIONS, owner_url))


@pytest.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[NotifyDatabase]:
    """The database as the service's runtime role sees it."""
    database = open_database(open_engine(urls.app_url), Policy())
    yield database
    await database.dispose()


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[MailboxSandbox]:
    async with running_mailbox(tmp_path) as sandbox:
        yield sandbox


@pytest.fixture
async def mailbox(sandbox: MailboxSandbox) -> AsyncIterator[Mailbox]:
    """The mail server, with what it took and ways to make it misbehave."""
    async with httpx.AsyncClient(base_url=sandbox.base_url) as http:
        yield Mailbox(sandbox.smtp_port, http)


@pytest.fixture
async def stage(database: NotifyDatabase, mailbox: Mailbox) -> AsyncIterator[Stage]:
    """Events go in, mails come out; jobs run when the test says so."""
    stage = Stage.open(database, mailbox)
    yield stage
    await stage.close()


@pytest.fixture
async def client(database: NotifyDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """The real application, asked in-process with a token that may read and write."""
    token = await add_token(
        database,
        name="anna",
        merchant_id="default",
        scopes=["notifications:read", "notifications:write"],
    )
    app = build_app(database, TemplateRenderer(), HANDLERS)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://notify",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client
