"""`python -m notify_service [api] [consume] [relay] [work]`, `migrate`, `token`; see `--help`."""

import asyncio
from functools import partial
from pathlib import Path

from crossdock_chassis.database import open_engine
from crossdock_chassis.process import Service, run_service
from crossdock_chassis.repeating import repeat
from notify_service.adapters.channel_registry import load_channels
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.api.app import VERSION, build_app
from notify_service.messaging import HANDLERS
from notify_service.messaging.jobs import ChannelJobs
from notify_service.messaging.published import PUBLISHES
from notify_service.persistence.erasing import erase_expired
from notify_service.persistence.transaction import open_database
from notify_service.persistence.worklists import WORKLISTS
from notify_service.settings import NotifySettings

MIGRATIONS = Path(__file__).parents[2] / "migrations"
ERASE_EVERY_S = 3600.0


def build() -> Service:
    settings = NotifySettings.load()
    engine = open_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pooled=settings.database_pooled,
        name="notify",
    )
    channels = load_channels()
    renderer = TemplateRenderer()
    database = open_database(engine, settings.policy(tuple(channels)))
    jobs = ChannelJobs(database, channels, renderer)

    async def erase(stop: asyncio.Event) -> None:
        """Erase personal data that is past its day, once an hour."""
        await repeat("erase_personal_data", partial(erase_expired, database), stop, every_s=ERASE_EVERY_S)

    return Service(
        name="notify",
        version=VERSION,
        settings=settings,
        database=database,
        build_app=lambda: build_app(database, renderer, HANDLERS, docs=settings.api_docs),
        migrations=MIGRATIONS,
        publishes=PUBLISHES,
        relay_look_s=0.1,  # no step of an order waits for them
        handlers=HANDLERS,
        jobs=jobs.handlers(),
        destinations=jobs.destinations(),
        background={"erase_personal_data": erase},
        worklists=WORKLISTS,
        close=[one.close for one in channels.values()],
    )


if __name__ == "__main__":
    run_service(build)
