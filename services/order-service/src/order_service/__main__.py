"""`python -m order_service [api] [consume] [relay] [work]`, `migrate`, `token`; see `--help`."""

import asyncio
from functools import partial
from pathlib import Path

from crossdock_chassis.database import open_engine
from crossdock_chassis.jobs import Destination
from crossdock_chassis.outgoing import open_http_client
from crossdock_chassis.process import Service, run_service
from crossdock_chassis.repeating import repeat
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.api.app import VERSION, build_app
from order_service.messaging import HANDLERS
from order_service.messaging.asking import Asking
from order_service.messaging.check_jobs import CheckJobs
from order_service.messaging.jobs import MarketplaceJobs
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.messaging.published import PUBLISHES
from order_service.messaging.stock_jobs import StockJobs
from order_service.messaging.timers import TIMERS
from order_service.persistence.erasing import erase_expired
from order_service.persistence.sealing import Sealer
from order_service.persistence.transaction import open_database
from order_service.persistence.worklists import WORKLISTS
from order_service.settings import OrderSettings
from order_service.use_cases.import_order import Retention

MIGRATIONS = Path(__file__).parents[2] / "migrations"
ERASE_EVERY_S = 3600.0
ASK_EVERY_S = 2.0
REFRESH_EVERY_S = 30.0
WATCH_POLLS_EVERY_S = 30.0
STOCK_EVERY_S = 60.0


def build() -> Service:
    settings = OrderSettings.load()
    engine = open_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pooled=settings.database_pooled,
        name="order",
    )
    database = open_database(engine, Sealer(settings.key))
    http = open_http_client("marketplaces", max_connections=settings.marketplace_concurrency * 2)
    marketplaces = load_marketplaces(http)
    stock = StockJobs(database, marketplaces)
    retention = Retention(settings.personal_order_days, settings.personal_message_days)

    async def erase(stop: asyncio.Event) -> None:
        """Erase personal data that is past its day, once an hour."""
        await repeat("erase_personal_data", partial(erase_expired, database), stop, every_s=ERASE_EVERY_S)

    asking = Asking(database, marketplaces)

    async def ask(stop: asyncio.Event) -> None:
        """Ask platforms for what they do not send by themselves, when it is due."""
        await repeat("ask_marketplaces", asking.ask, stop, every_s=ASK_EVERY_S)

    async def refresh(stop: asyncio.Event) -> None:
        """Replace access tokens before they run out."""
        await repeat("refresh_tokens", asking.refresh, stop, every_s=REFRESH_EVERY_S)

    async def watch(stop: asyncio.Event) -> None:
        """Show how far polling is behind."""
        await repeat("watch_polls", asking.watch, stop, every_s=WATCH_POLLS_EVERY_S)

    async def tell_stock(stop: asyncio.Event) -> None:
        """See that every number that waits has a job, once a minute."""
        await repeat("tell_stock", stock.ask_again, stop, every_s=STOCK_EVERY_S)

    return Service(
        name="order",
        version=VERSION,
        settings=settings,
        database=database,
        build_app=lambda: build_app(database, marketplaces, retention, HANDLERS, docs=settings.api_docs),
        migrations=MIGRATIONS,
        publishes=PUBLISHES,
        handlers=HANDLERS,
        jobs={
            **MarketplaceJobs(database, marketplaces, retention).handlers(),
            **CheckJobs(database, marketplaces).handlers(),
            **ObligationJobs(database, marketplaces).handlers(),
            **stock.handlers(),
        },
        destinations=[Destination(code, settings.marketplace_concurrency) for code in marketplaces],
        timers=TIMERS,
        background={
            "erase_personal_data": erase,
            "ask_marketplaces": ask,
            "refresh_tokens": refresh,
            "watch_polls": watch,
            "tell_stock": tell_stock,
        },
        worklists=WORKLISTS,
        close=[http.aclose],
    )


if __name__ == "__main__":
    run_service(build)
