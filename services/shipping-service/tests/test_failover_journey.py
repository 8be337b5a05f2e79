"""DHL Express first, EasyPost behind it: both sandboxes behind real HTTP, the first one told to misbehave."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from crossdock_chassis.database import open_engine
from crossdock_chassis.ids import new_id
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.shipping import ParcelLabelledV1
from crossdock_sandbox.dhl_express.app import running_dhl_express
from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from shipping_service.adapters.carrier_registry import load_carriers
from shipping_service.adapters.carriers.dhl_express.client import DhlExpressGateway
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.domain.rules import Conditions, Rule
from shipping_service.messaging.carrier_jobs import Connected
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings

from .conftest import MIGRATIONS
from .samples import BERLIN, MERCHANT, NEW_YORK, AnOrder
from .stage import StageWith

CARRIERS = load_carriers(["dhl_express", "easypost"])
AT_HOME, ABROAD = "DHLExpress:DomesticExpress", "DHLExpress:ExpressWorldwideNonDoc"

Stage = StageWith[DhlExpressGateway]


@pytest.fixture
async def dhl(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_dhl_express(tmp_path) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as control,
    ):
        yield control


@pytest.fixture
async def stage(
    fresh_database: FreshDatabase, tmp_path: Path, dhl: httpx.AsyncClient
) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    capabilities = {code: one.capabilities for code, one in CARRIERS.items() if one.capabilities is not None}
    settings = DomainSettings(capabilities, timedelta(days=90), failover_after=timedelta(0))
    database = open_database(open_engine(urls.app_url), settings)
    first = DhlExpressGateway(
        DhlExpressSettings(
            api_key=SecretStr("cd-demo-key"),
            api_secret=SecretStr("cd-demo-secret"),
            account_number="123456789",
            base_url=f"{dhl.base_url}/mydhlapi",
            time_zone="Europe/Berlin",
        )
    )
    async with running_easypost(tmp_path, options=EasyPostOptions()) as sandbox:
        second = EasyPostGateway(
            EasyPostSettings(api_key=SecretStr("EZTKsandbox000000000000"), base_url=sandbox.base_url)
        )
        connected = Connected(capabilities["easypost"], second)
        stage = StageWith(
            database, urls, first, capabilities["dhl_express"], "dhl_express", {"easypost": connected}
        )
        await stage.set_up("P")
        async with database.transaction() as tx:
            for priority, service in ((200, AT_HOME), (300, ABROAD)):
                rule = Rule(new_id(), MERCHANT, priority, service, Conditions(), "easypost", service)
                await tx.rules.put(rule)
        yield stage
        await first.close()
        await second.close()
        await database.dispose()


async def fault(dhl: httpx.AsyncClient, mode: str) -> None:
    (await dhl.put("/_sandbox/faults", json=[{"operation": "*", "mode": mode}])).raise_for_status()


async def sold(dhl: httpx.AsyncClient) -> int:
    return len((await dhl.get("/_sandbox/books/shipments")).json()["rows"])


async def test_a_carrier_that_lets_nobody_in_is_left_for_the_next(
    stage: Stage, dhl: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=BERLIN)
    await fault(dhl, "throttle")

    said = await stage.labelled(order)

    labelled = said[0]
    assert isinstance(labelled, ParcelLabelledV1)
    assert (labelled.carrier, labelled.service) == ("dhl_express", "DomesticExpress")  # behind EasyPost
    assert await sold(dhl) == 0
    rows = await stage.rows("select carrier, state, remedy, refusal_code from label order by number")
    assert [tuple(one) for one in rows] == [
        ("dhl_express", "dropped", "try_later", "carrier_unavailable"),
        ("easypost", "bought", None, None),
    ]


async def test_a_service_not_sold_on_the_lane_gives_way_to_one_that_is(
    stage: Stage, dhl: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=BERLIN)

    await stage.labelled(order)

    rows = await stage.rows("select carrier, state, remedy from label order by number")
    assert [tuple(one) for one in rows] == [
        ("dhl_express", "rejected", "choose_another_service"),
        ("easypost", "bought", None),
    ]


async def test_a_lost_answer_stays_with_the_carrier_that_may_have_sold(
    stage: Stage, dhl: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=NEW_YORK)
    await fault(dhl, "do_then_drop_connection")

    await stage.labelled(order)

    assert await stage.states(order) == ["outcome_unknown"]
    assert await stage.exceptions(order) == ["label_outcome_unknown"]
    assert len(await stage.rows("select 1 from label")) == 1
    assert await sold(dhl) == 1
