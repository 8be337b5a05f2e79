"""The four services as their processes serve them: the real application, uvicorn, PostgreSQL, tokens."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

import inventory_service
import notify_service
import order_service
import shipping_service
from crossdock_chassis.database import Database, open_engine
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import add_token
from crossdock_chassis.migrations import upgrade
from crossdock_chassis.outgoing import open_http_client
from crossdock_cli.embedded.templates import DatabaseTemplates
from inventory_service.api.app import build_app as build_inventory
from inventory_service.messaging import HANDLERS as INVENTORY_HANDLERS
from inventory_service.persistence.database import open_database as open_inventory
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.api.app import build_app as build_notify
from notify_service.messaging import HANDLERS as NOTIFY_HANDLERS
from notify_service.persistence.transaction import open_database as open_notify
from notify_service.use_cases.ports import Policy
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.api.app import build_app as build_order
from order_service.messaging import HANDLERS as ORDER_HANDLERS
from order_service.persistence.sealing import Sealer
from order_service.persistence.transaction import open_database as open_orders
from order_service.use_cases.import_order import Retention
from shipping_service.api.app import build_app as build_shipping
from shipping_service.messaging import HANDLERS as SHIPPING_HANDLERS
from shipping_service.persistence.transaction import open_database as open_shipping
from shipping_service.use_cases.ports import Capabilities, DomainSettings

T = TypeVar("T")

MODULES: Final[Mapping[str, ModuleType]] = {
    "order": order_service,
    "inventory": inventory_service,
    "shipping": shipping_service,
    "notify": notify_service,
}
HANDLERS: Final[Mapping[str, Handlers]] = {
    "order": ORDER_HANDLERS,
    "inventory": INVENTORY_HANDLERS,
    "shipping": SHIPPING_HANDLERS,
    "notify": NOTIFY_HANDLERS,
}
SCOPES: Final[Mapping[str, str]] = {
    "order": "orders",
    "inventory": "stock",
    "shipping": "shipments",
    "notify": "notifications",
}
CARRIERS = {"easypost": Capabilities(can_find=True, can_void=True, void_is_async=True)}


def open_database(name: str, url: str) -> Database[Any]:
    """The service's database as its process opens it."""
    engine = open_engine(url, pool_size=4)
    opened: Mapping[str, Any] = {
        "order": lambda: open_orders(engine, Sealer(b"k" * 32)),
        "inventory": lambda: open_inventory(engine),
        "shipping": lambda: open_shipping(
            engine, DomainSettings(carriers=CARRIERS, personal_for=timedelta(days=90))
        ),
        "notify": lambda: open_notify(engine, Policy()),
    }
    database: Database[Any] = opened[name]()
    return database


def build_app(name: str, database: Database[Any], marketplaces: Mapping[str, Any]) -> FastAPI:
    """The service's application."""
    handlers = HANDLERS[name]
    if name == "order":
        return build_order(database, marketplaces, Retention(), handlers)
    if name == "inventory":
        return build_inventory(database, handlers)
    if name == "shipping":
        return build_shipping(database, handlers, {})
    return build_notify(database, TemplateRenderer(), handlers)


def description_of(name: str) -> dict[str, Any]:
    """What the service says of itself. Needs nothing that runs."""
    database: Any = None
    return build_app(name, database, {}).openapi()


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test's process keeps its own."""


@dataclass
class Member:
    """A service that answers at `url`. Its loop runs in a thread of its own: tests call `run`."""

    name: str
    url: str
    port: int
    database: Database[Any]
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the service's loop and database."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=50)

    def token(self, *scopes: str, merchant: str = "default") -> dict[str, str]:
        """Headers of somebody with these scopes; without any, all there are for this service's people."""
        area = SCOPES[self.name]
        made = add_token(
            self.database,
            name="anna",
            merchant_id=merchant,
            scopes=scopes or (f"{area}:read", f"{area}:write"),
        )
        return {"Authorization": f"Bearer {self.run(made)}"}

    def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        async def read() -> Sequence[Any]:
            async with self.database.engine.connect() as connection:
                return (await connection.execute(text(sql), values)).all()

        return self.run(read())


class Running:
    """Starts a service at its first use and keeps it; everything ends with `stop`."""

    def __init__(self, templates: DatabaseTemplates, prepare: Callable[[Member], None]) -> None:
        self._templates = templates
        self._prepare = prepare
        self._members: dict[str, Member] = {}
        self._ends: list[threading.Event] = []
        self._threads: list[threading.Thread] = []

    def __getitem__(self, name: str) -> Member:
        if name not in self._members:
            self._members[name] = self._start(name)
            self._prepare(self._members[name])
        return self._members[name]

    def _start(self, name: str) -> Member:
        folder = Path(str(MODULES[name].__file__)).parents[2] / "migrations"
        urls = self._templates.fresh(name, lambda url: upgrade(folder, url))
        started: list[Member] = []
        ready, end = threading.Event(), threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(_serve(name, urls.app_url, started, ready, end)), daemon=True
        )
        thread.start()
        self._ends.append(end)
        self._threads.append(thread)
        assert ready.wait(30), f"{name} did not begin to serve"
        return started[0]

    def stop(self) -> None:
        for end in self._ends:
            end.set()
        for thread in self._threads:
            thread.join(timeout=20)
        self._templates.drop_all()


async def _serve(
    name: str, url: str, started: list[Member], ready: threading.Event, end: threading.Event
) -> None:
    database = open_database(name, url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.dispose)
        http = await stack.enter_async_context(open_http_client("marketplaces"))
        app = build_app(name, database, load_marketplaces(http))
        server = _Server(
            uvicorn.Config(
                app,
                port=0,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        started.append(Member(name, f"http://127.0.0.1:{port}", port, database, asyncio.get_running_loop()))
        ready.set()
        while not end.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.05)
        server.should_exit = True
        await serving
