"""`python -m shipping_service [api] [consume] [relay] [work]`, `migrate`, `token`; see `--help`."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from crossdock_chassis.config import InvalidSettings
from crossdock_chassis.database import open_engine
from crossdock_chassis.jobs import Destination
from crossdock_chassis.process import Service, run_service
from shipping_service.adapters.carrier_registry import load_carriers
from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.api.app import VERSION, build_app
from shipping_service.domain.following import Pace
from shipping_service.messaging import HANDLERS, tracking_jobs
from shipping_service.messaging.carrier_jobs import CarrierJobs, Connected
from shipping_service.messaging.outages import Outages, leave_carriers
from shipping_service.messaging.published import PUBLISHES
from shipping_service.messaging.tracking_jobs import TrackingJobs, tracking_destination
from shipping_service.messaging.upkeep import erase_personal_data, watch_deferred
from shipping_service.persistence.transaction import open_database
from shipping_service.persistence.worklists import WORKLISTS
from shipping_service.settings import ShippingSettings
from shipping_service.use_cases.ports import DomainSettings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build() -> Service:
    settings = ShippingSettings.load()
    carriers = load_carriers(settings.carriers)
    tracking = {code: one.tracking for code, one in carriers.items() if one.tracking is not None}
    if settings.tracks_others is not None and settings.tracks_others not in tracking:
        raise InvalidSettings(
            f"SHIPPING_TRACKS_OTHERS is {settings.tracks_others}: no connected carrier of that name tells "
            f"where parcels are; those that do: {', '.join(sorted(tracking)) or 'none'}"
        )
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
            carriers={
                code: one.capabilities for code, one in carriers.items() if one.capabilities is not None
            },
            personal_for=timedelta(days=settings.personal_days),
            first_void_check=timedelta(seconds=settings.first_void_check_s),
            failover_after=timedelta(seconds=settings.failover_after_s),
            trackers=tracking.keys(),
            tracks_others=settings.tracks_others,
            pace=Pace(
                every=timedelta(seconds=settings.tracking_every_s),
                storage=timedelta(days=settings.pickup_storage_days),
            ),
        ),
    )
    connected = {
        code: Connected(one.capabilities, one.open_gateway())
        for code, one in carriers.items()
        if one.capabilities is not None and one.open_gateway is not None
    }
    outages = Outages(settings.failover_after_s)
    printer = PaperPrinter(settings.sdr_rates, settings.label_format)
    parcels = TrackingJobs(
        database,
        {code: tracking_jobs.Connected(one, one.open_tracker()) for code, one in tracking.items()},
    )
    webhooks = {code: one.webhook for code, one in tracking.items() if one.webhook is not None}

    return Service(
        name="shipping",
        version=VERSION,
        settings=settings,
        database=database,
        build_app=lambda: build_app(database, HANDLERS, webhooks, docs=settings.api_docs),
        migrations=MIGRATIONS,
        publishes=PUBLISHES,
        handlers=HANDLERS,
        jobs={**CarrierJobs(database, connected, outages, printer).handlers, **parcels.handlers},
        destinations=[
            Destination(code, carriers[code].calls_at_once, carriers[code].calls_per_s) for code in connected
        ]
        + [
            Destination(tracking_destination(code), one.calls_at_once, one.calls_per_s)
            for code, one in tracking.items()
        ],
        background={
            "erase_personal_data": partial(erase_personal_data, database),
            "leave_carriers": partial(leave_carriers, database, outages),
            "put_questions": parcels.put_questions,
            "read_messages": parcels.read_messages,
            "watch_deferred": partial(watch_deferred, database, settings.deferred_alarm_s),
        },
        worklists=WORKLISTS,
        close=[*(one.gateway.close for one in connected.values()), *parcels.close],
    )


if __name__ == "__main__":
    run_service(build)
