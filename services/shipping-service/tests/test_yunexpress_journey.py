"""From stock.reserved to a parcel's end with YunExpress's sandbox behind real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.shipping import ParcelLabelledV1
from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.yunexpress.app import YunExpressOptions, running_yunexpress
from shipping_service.adapters.carriers.yunexpress import CARRIER, tracking, webhook
from shipping_service.adapters.carriers.yunexpress.client import YunExpressGateway
from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.adapters.carriers.yunexpress.tracker import YunExpressTracker
from shipping_service.adapters.carriers.yunexpress.tracking_codes import CODES
from shipping_service.api.app import build_app
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings
from shipping_service.use_cases.tracking_port import Tracking, Webhook

from .conftest import MIGRATIONS
from .samples import NEW_YORK, AnOrder
from .stage import StageWith, names

Stage = StageWith[YunExpressGateway]

KEY = "encKey0123456789"
WEBHOOK = Webhook(verify=webhook.verify, read=tracking.read, secrets=lambda: (KEY,))
APP_ID, SECRET = "cd-demo-app", "yt_secret_0123456789abcdef"


@pytest.fixture
async def yunexpress(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A running YunExpress whose late numbers come when a test says so."""
    options = YunExpressOptions(app=f"{APP_ID}:{SECRET}", number_delay_s=3600)
    async with (
        running_yunexpress(tmp_path, options=options) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
async def stage(fresh_database: FreshDatabase, yunexpress: httpx.AsyncClient) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    assert CARRIER.capabilities is not None
    domain = DomainSettings({"yunexpress": CARRIER.capabilities}, timedelta(days=90), trackers={"yunexpress"})
    database = open_database(open_engine(urls.app_url), domain)
    settings = YunExpressSettings(
        app_id=APP_ID, app_secret=SecretStr(SECRET), base_url=str(yunexpress.base_url)
    )
    gateway, tracker = YunExpressGateway(settings), YunExpressTracker(settings)
    stage = StageWith(database, urls, gateway, CARRIER.capabilities, "yunexpress")
    stage.tracking = Tracking(
        codes=CODES,
        open_tracker=lambda: tracker,
        webhook=WEBHOOK,
    )
    yield stage
    await gateway.close()
    await tracker.close()
    await database.dispose()


async def orders(yunexpress: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await yunexpress.get("/_sandbox/books/orders")).json()["rows"]
    return rows


async def number_comes(yunexpress: httpx.AsyncClient, stage: Stage) -> None:
    """And the label's job does not wait for its time."""
    (booked,) = await orders(yunexpress)
    change = {"tracking_number": "9405500208303109884199"}
    await yunexpress.patch(f"/_sandbox/orders/{booked['waybill_number']}", json=change)
    async with stage.database.engine.begin() as connection:
        await connection.execute(text("update job set run_at = crossdock_clock() where state = 'ready'"))


async def test_an_order_over_a_border_gets_its_label_and_leaves(
    stage: Stage, yunexpress: httpx.AsyncClient
) -> None:
    await stage.set_up("BKPHR")

    said = await stage.labelled(AnOrder(consignee=NEW_YORK, units=3))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    labelled = said[0]
    assert isinstance(labelled, ParcelLabelledV1)
    (booked,) = await orders(yunexpress)
    assert (labelled.carrier, labelled.tracking_number) == ("yunexpress", booked["waybill_number"])
    assert labelled.cost is not None
    assert labelled.cost.currency == "CNY"


async def test_a_number_that_comes_later_is_waited_for_by_the_same_order(
    stage: Stage, yunexpress: httpx.AsyncClient
) -> None:
    await stage.set_up("THPHR")
    order = AnOrder(consignee=NEW_YORK)

    waiting = await stage.labelled(order)
    (state,) = await stage.states(order)
    await number_comes(yunexpress, stage)
    said = await stage.work()

    assert (waiting, state) == ([], "buying")
    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert len(await orders(yunexpress)) == 1


async def test_an_order_that_nobody_wants_while_its_number_is_awaited_is_cancelled_there(
    stage: Stage, yunexpress: httpx.AsyncClient
) -> None:
    await stage.set_up("THPHR")
    order = AnOrder(consignee=NEW_YORK)
    await stage.labelled(order)
    await stage.hear(order.cancelled())

    async with stage.database.engine.begin() as connection:
        await connection.execute(text("update job set run_at = crossdock_clock() where state = 'ready'"))
    said = await stage.work()

    assert names(said) == ["shipment.cancelled"]
    assert await stage.labels(order) == ["voided"]
    assert [one["status"] for one in await orders(yunexpress)] == ["E"]


async def test_an_answer_that_gets_lost_books_one_order(stage: Stage, yunexpress: httpx.AsyncClient) -> None:
    await stage.set_up("BKPHR")
    rules = [{"operation": "order.create", "mode": "do_then_drop_connection", "times": 1}]
    (await yunexpress.put("/_sandbox/faults", json=rules)).raise_for_status()

    said = await stage.labelled(AnOrder(consignee=NEW_YORK))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert len(await orders(yunexpress)) == 1


async def test_a_cancelled_label_is_taken_back(stage: Stage, yunexpress: httpx.AsyncClient) -> None:
    await stage.set_up("BKPHR")
    order = AnOrder(consignee=NEW_YORK, hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    await stage.hear(order.cancelled())
    await stage.work()

    assert await stage.labels(order) == ["voided"]
    assert [one["status"] for one in await orders(yunexpress)] == ["E"]


@pytest.mark.parametrize("shape", ["plain", "wrapped", "encrypted", "older"])
async def test_what_is_pushed_is_proven_opened_and_told_once(
    shape: str, stage: Stage, yunexpress: httpx.AsyncClient
) -> None:
    await stage.set_up("BKPHR")
    await stage.labelled(AnOrder(consignee=NEW_YORK))
    (booked,) = await orders(yunexpress)
    app = build_app(stage.database, HANDLERS, {"yunexpress": WEBHOOK})
    async with serving(app, listening_socket(0)) as door:
        push = {"url": f"{door}/webhooks/carriers/yunexpress", "key": KEY, "shape": shape}
        (await yunexpress.put("/_sandbox/push", json=push)).raise_for_status()
        for signature, copies in (("bad", 1), ("good", 3)):
            scan = {"code": "DELIVERED", "at": "2026-11-22T12:00:00-05:00", "country": "US"}
            more = {"package_state": "3", "copies": copies, "signature": signature}
            path = f"/_sandbox/orders/{booked['waybill_number']}/scan"
            (await yunexpress.post(path, json=scan | more)).raise_for_status()
        await settled(yunexpress, delivered=3)
        said = await stage.read()

    assert "parcel.delivered" in names(said)
    assert names(said).count("parcel.delivered") == 1


async def test_a_parcel_is_asked_about_by_its_waybill_number(
    stage: Stage, yunexpress: httpx.AsyncClient
) -> None:
    await stage.set_up("BKPHR")
    await stage.labelled(AnOrder(consignee=NEW_YORK))
    (booked,) = await orders(yunexpress)
    scan = {"code": "PICKED_UP", "content": "Collected", "at": "2026-11-22T12:00:00+08:00"}
    await yunexpress.post(f"/_sandbox/orders/{booked['waybill_number']}/scan", json=scan)

    said = await stage.ask()

    assert names(said) == ["parcel.tracked"]
    (row,) = await stage.rows("select status from followed_parcel")
    assert row.status == "created"


async def settled(yunexpress: httpx.AsyncClient, *, delivered: int) -> None:
    async with asyncio.timeout(20):
        while True:
            rows = (await yunexpress.get("/_sandbox/books/deliveries")).json()["rows"]
            if [one["outcome"] for one in rows].count("delivered") >= delivered:
                return
            await asyncio.sleep(0.05)
