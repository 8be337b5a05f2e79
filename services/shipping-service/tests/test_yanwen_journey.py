"""What comes later at Yanwen, from stock.reserved to the end, with its sandbox behind real HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.inventory import HandOver
from crossdock_sandbox.yanwen.app import YanwenOptions, running_yanwen
from shipping_service.adapters.carriers.yanwen import CARRIER
from shipping_service.adapters.carriers.yanwen.client import YanwenGateway
from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings

from .conftest import MIGRATIONS
from .samples import NEW_YORK, AnOrder
from .stage import StageWith, names

Stage = StageWith[YanwenGateway]

USER_ID, TOKEN = "100000", "yw-token-0001"


@pytest.fixture
async def yanwen(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A running Yanwen whose labels and cancels are done when a test says so."""
    options = YanwenOptions(account=f"{USER_ID}:{TOKEN}", label_delay_s=3600, cancel_delay_s=3600)
    async with (
        running_yanwen(tmp_path, options=options) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
async def stage(fresh_database: FreshDatabase, yanwen: httpx.AsyncClient) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    assert CARRIER.capabilities is not None
    domain = DomainSettings({"yanwen": CARRIER.capabilities}, timedelta(days=90))
    database = open_database(open_engine(urls.app_url), domain)
    settings = YanwenSettings(
        user_id=USER_ID,
        api_token=SecretStr(TOKEN),
        merchant_number=SecretStr("none"),
        base_url=str(yanwen.base_url),
    )
    gateway = YanwenGateway(settings)
    yield StageWith(database, urls, gateway, CARRIER.capabilities, "yanwen")
    await gateway.close()
    await database.dispose()


async def later(yanwen: httpx.AsyncClient, stage: Stage, **change: object) -> list[str]:
    """Something has happened at Yanwen's, and what waits does not wait for its time; what is said then."""
    (order,) = (await yanwen.get("/_sandbox/books/orders")).json()["rows"]
    path = f"/_sandbox/orders/{order['waybill_number']}"
    (await yanwen.patch(path, json=change)).raise_for_status()
    async with stage.database.engine.begin() as connection:
        await connection.execute(text("update job set run_at = crossdock_clock() where state = 'ready'"))
    return names(await stage.work())


async def test_a_label_is_waited_for_and_its_cancel_is_over_when_the_order_says_so(
    stage: Stage, yanwen: httpx.AsyncClient
) -> None:
    await stage.set_up("481")
    order = AnOrder(consignee=NEW_YORK, hand_over=HandOver.MANUAL)

    waiting = await stage.labelled(order)
    labelled = await later(yanwen, stage, label_ready=True)
    await stage.hear(order.cancelled())
    await later(yanwen, stage, reference_number="LX556677887US")
    wished = await stage.labels(order)
    await later(yanwen, stage, status=5)

    assert (waiting, labelled) == ([], ["parcel.labelled"])
    assert (wished, await stage.labels(order)) == (["void_submitted"], ["voided"])
    calls = (await yanwen.get("/_sandbox/books/calls")).json()["rows"]
    assert [one["operation"] for one in calls].count("express.order.create") == 1
    assert [one["operation"] for one in calls].count("express.order.cancel") == 1
