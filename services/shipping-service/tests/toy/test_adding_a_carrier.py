"""A carrier is one folder and nothing else: one that no file of the service names sells, voids and tells."""

import hashlib
import hmac
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

import shipping_service
from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.inventory import HandOver
from crossdock_sandbox.serving import listening_socket, serving
from shipping_service.__main__ import build
from shipping_service.adapters import carriers
from shipping_service.adapters.carrier_registry import all_carriers, load_carriers
from shipping_service.api.app import build_app
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import Carrier, CarrierGateway, DomainSettings

from ..conftest import MIGRATIONS
from ..samples import AnOrder
from ..stage import StageWith, names
from .server import ToyOffice, running_toy_office

CODE = "toy_post"
SECRET = "the toy's secret"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENVIRONMENT = {
    "SHIPPING_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/none",
    "SHIPPING_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "SHIPPING_CARRIERS": json.dumps([CODE]),
    "SHIPPING_TRACKS_OTHERS": CODE,
}


@pytest.fixture
async def office() -> AsyncIterator[ToyOffice]:
    async with running_toy_office() as running:
        yield running


@pytest.fixture
def carrier(office: ToyOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Carrier]:
    """What the service finds with one temporary folder more among its carriers."""
    (tmp_path / CODE).mkdir()
    shutil.copy(Path(__file__).with_name("member.py"), tmp_path / CODE / "__init__.py")
    monkeypatch.setattr(carriers, "__path__", [*carriers.__path__, str(tmp_path)])
    monkeypatch.setenv("CARRIER_TOY_POST_BASE_URL", office.base_url)
    monkeypatch.setenv("CARRIER_TOY_POST_SECRET", SECRET)
    yield load_carriers([CODE])[CODE]
    del sys.modules[f"{carriers.__name__}.{CODE}"]
    delattr(carriers, CODE)


@pytest.fixture
async def stage(fresh_database: FreshDatabase, carrier: Carrier) -> AsyncIterator[StageWith[CarrierGateway]]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    assert carrier.capabilities is not None
    assert carrier.open_gateway is not None
    assert carrier.tracking is not None
    domain = DomainSettings({CODE: carrier.capabilities}, timedelta(days=90), trackers={CODE})
    database = open_database(open_engine(urls.app_url), domain)
    stage = StageWith(database, urls, carrier.open_gateway(), carrier.capabilities, CODE)
    tracker = carrier.tracking.open_tracker()
    stage.tracking = replace(carrier.tracking, open_tracker=lambda: tracker)
    await stage.set_up()
    yield stage
    await tracker.close()
    await stage.carrier.close()
    await database.dispose()


def test_no_file_of_the_service_names_the_carrier() -> None:
    root = Path(shipping_service.__file__).parent

    assert [one for one in root.rglob("*.py") if CODE in one.read_text(encoding="utf-8")] == []
    assert CODE not in all_carriers()


async def test_a_service_that_is_told_of_the_folder_connects_it_for_labels_and_tracking(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    service = build()

    assert {one.name for one in service.destinations} == {CODE, f"{CODE}.tracking"}
    for close in service.close:
        await close()


async def test_a_label_is_bought_once_and_its_parcel_followed_to_the_end(
    stage: StageWith[CarrierGateway], office: ToyOffice
) -> None:
    office.loses = True

    labelled = await stage.labelled(AnOrder())
    (number,) = office.sold.values()
    office.scans[number] = [("got", NOON.isoformat()), ("gave", (NOON + timedelta(days=1)).isoformat())]
    told = await stage.ask()

    assert names(labelled) == ["parcel.labelled", "parcel.shipped"]
    assert names(told) == ["parcel.tracked", "parcel.tracked", "parcel.delivered"]


async def test_what_it_pushes_is_proven_by_its_own_folder(
    stage: StageWith[CarrierGateway], carrier: Carrier, office: ToyOffice
) -> None:
    await stage.labelled(AnOrder())
    (number,) = office.sold.values()
    body = json.dumps({"number": number, "code": "gave", "at": NOON.isoformat()}).encode()
    sign = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert carrier.tracking is not None
    assert carrier.tracking.webhook is not None
    app = build_app(stage.database, HANDLERS, {CODE: carrier.tracking.webhook})

    async with serving(app, listening_socket(0)) as url, httpx.AsyncClient(base_url=url) as client:
        answers = [
            await client.post(f"/webhooks/carriers/{CODE}", content=body, headers={"X-Toy-Sign": one})
            for one in ("guessed", sign)
        ]

    assert [one.status_code for one in answers] == [401, 200]
    assert names(await stage.read()) == ["parcel.tracked", "parcel.delivered"]


async def test_a_label_that_nobody_needs_is_taken_back(
    stage: StageWith[CarrierGateway], office: ToyOffice
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    await stage.hear(order.cancelled())
    await stage.work()

    assert office.voided == list(office.sold)
