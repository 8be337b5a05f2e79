"""When a carrier that takes its time with a void is asked about it."""

from datetime import timedelta
from pathlib import Path

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.inventory import HandOver
from shipping_service.domain.consignment import VoidOutcome
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings

from .samples import AnOrder
from .scripted_carrier import ScriptedCarrier
from .stage import CAPABILITIES, Stage

MIGRATIONS = Path(__file__).parents[1] / "migrations"


async def test_the_first_question_about_a_void_comes_when_the_settings_say(
    fresh_database: FreshDatabase,
) -> None:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    settings = DomainSettings({"scripted": CAPABILITIES}, timedelta(days=90), timedelta(seconds=30))
    database = open_database(open_engine(urls.app_url), settings)
    stage = Stage(database, urls, ScriptedCarrier())
    await stage.set_up()
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    stage.carrier.on("void", VoidOutcome.SUBMITTED)
    await stage.hear(order.cancelled())
    await stage.work()

    (row,) = await stage.rows("select run_at - created_at as wait from job where kind = 'check_void'")
    await database.dispose()
    assert timedelta(seconds=29) < row.wait < timedelta(seconds=31)
