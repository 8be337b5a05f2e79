"""`python -m shipping_service [api] [consume] [relay] [work]`, `migrate`, `token`; see `--help`."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from crossdock_chassis.database import open_engine
from crossdock_chassis.jobs import Destination
from crossdock_chassis.process import Service, run_service
from shipping_service.adapters.carrier_registry import load_carriers
from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.api.app import VERSION, build_app
from shipping_service.messaging import HANDLERS
from shipping_service.messaging.carrier_jobs import CarrierJobs, Connected
from shipping_service.messaging.outages import Outages, leave_carriers
from shipping_service.messaging.published import PUBLISHES
from shipping_service.messaging.upkeep import erase_personal_data, watch_deferred
from shipping_service.persistence.transaction import open_database
from shipping_service.persistence.worklists import WORKLISTS
from shipping_service.settings import ShippingSettings
from shipping_service.use_cases.ports import DomainSettings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build() -> Service:
    settings = ShippingSettings.load()
    carriers = load_carriers(settings.carriers)
    engine = open_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pooled=settings.database_pooled,
        name="shipping",
    )
    database = open_database(
        engine,
        DomainSettings(
            carriers={code: one.capabilities for code, one in carriers.items()},
            personal_for=timedelta(days=settings.personal_days),
            first_void_check=timedelta(seconds=settings.first_void_check_s),
            failover_after=timedelta(seconds=settings.failover_after_s),
        ),
    )
    connected = {code: Connected(one.capabilities, one.open_gateway()) for code, one in carriers.items()}
    outages = Outages(settings.failover_after_s)
    printer = PaperPrinter(settings.sdr_rates, settings.label_format)

    return Service(
        name="shipping",
        version=VERSION,
        settings=settings,
        database=database,
        build_app=lambda: build_app(database, HANDLERS, docs=settings.api_docs),
        migrations=MIGRATIONS,
        publishes=PUBLISHES,
        handlers=HANDLERS,
        jobs=CarrierJobs(database, connected, outages, printer).handlers,
        destinations=[
            Destination(code, one.calls_at_once, one.calls_per_s) for code, one in carriers.items()
        ],
        background={
            "erase_personal_data": partial(erase_personal_data, database),
            "leave_carriers": partial(leave_carriers, database, outages),
            "watch_deferred": partial(watch_deferred, database, settings.deferred_alarm_s),
        },
        worklists=WORKLISTS,
        close=[one.gateway.close for one in connected.values()],
    )


if __name__ == "__main__":
    run_service(build)
