"""`python -m inventory_service [api] [consume] [relay] [work]`, `migrate`, `token`; see `--help`."""

from pathlib import Path

from crossdock_chassis.database import open_engine
from crossdock_chassis.process import Service, run_service
from inventory_service.api.app import VERSION, build_app
from inventory_service.messaging import HANDLERS
from inventory_service.messaging.published import PUBLISHES
from inventory_service.messaging.timers import TIMERS
from inventory_service.persistence.database import open_database
from inventory_service.persistence.worklists import WORKLISTS
from inventory_service.settings import InventorySettings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build() -> Service:
    settings = InventorySettings.load()
    engine = open_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pooled=settings.database_pooled,
        name="inventory",
    )
    database = open_database(engine)
    return Service(
        name="inventory",
        version=VERSION,
        settings=settings,
        database=database,
        build_app=lambda: build_app(database, HANDLERS, docs=settings.api_docs),
        migrations=MIGRATIONS,
        publishes=PUBLISHES,
        handlers=HANDLERS,
        timers=TIMERS,
        worklists=WORKLISTS,
    )


if __name__ == "__main__":
    run_service(build)
