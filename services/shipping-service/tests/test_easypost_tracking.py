"""EasyPost's trackers behind real HTTP: asked about, and pushed to our own door with real signatures."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from crossdock_sandbox.serving import listening_socket, serving
from shipping_service.adapters.carriers.easypost import CARRIER, tracking
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.adapters.carriers.easypost.tracker import EasyPostTracker
from shipping_service.api.app import build_app
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable, DomainSettings
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef, Webhook

from .conftest import MIGRATIONS
from .samples import AnOrder
from .stage import StageWith, names

SECRET = "s\u00e9cret"
KEY = "EZTKsandbox000000000000"
WEBHOOK = Webhook(verify=tracking.verify, read=tracking.read, secrets=lambda: (SECRET,))
Stage = StageWith[EasyPostGateway]


@pytest.fixture
async def sandbox_url(tmp_path: Path) -> AsyncIterator[str]:
    async with running_easypost(tmp_path, options=EasyPostOptions(retry_base_s=0.01)) as sandbox:
        yield sandbox.base_url


@pytest.fixture
async def easypost(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox_url, auth=(KEY, ""), trust_env=False) as client:
        yield client


@pytest.fixture
async def tracker(sandbox_url: str) -> AsyncIterator[EasyPostTracker]:
    tracker = EasyPostTracker(settings(sandbox_url))
    yield tracker
    await tracker.close()


def settings(base_url: str, key: str = KEY) -> EasyPostSettings:
    return EasyPostSettings(api_key=SecretStr(key), base_url=base_url, timeout_s=5)


@pytest.fixture
async def stage(
    fresh_database: FreshDatabase, sandbox_url: str, tracker: EasyPostTracker
) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    capabilities, offered = CARRIER.capabilities, CARRIER.tracking
    assert capabilities is not None
    assert offered is not None
    domain = DomainSettings({"easypost": capabilities}, timedelta(days=90), trackers={"easypost"})
    database = open_database(open_engine(urls.app_url), domain)
    gateway = EasyPostGateway(settings(sandbox_url))
    stage = Stage(database, urls, gateway, capabilities, "easypost")
    stage.tracking = type(offered)(codes=offered.codes, open_tracker=lambda: tracker, webhook=WEBHOOK)
    await stage.set_up("DHLExpress:DomesticExpress")
    yield stage
    await gateway.close()
    await database.dispose()


@pytest.fixture
async def door(stage: Stage, easypost: httpx.AsyncClient) -> AsyncIterator[str]:
    """Our webhook's address, registered at EasyPost."""
    app = build_app(stage.database, HANDLERS, {"easypost": WEBHOOK})
    async with serving(app, listening_socket(0)) as base_url:
        url = f"{base_url}/webhooks/carriers/easypost"
        hook = {"webhook": {"url": url, "webhook_secret": SECRET}}
        (await easypost.post("/v2/webhooks", json=hook)).raise_for_status()
        yield url


async def shipped(stage: Stage) -> str:
    order = AnOrder()
    await stage.labelled(order)
    (row,) = await stage.rows(
        "select tracking_number from followed_parcel where order_id = :id", id=order.order_id
    )
    return str(row.tracking_number)


async def advance(easypost: httpx.AsyncClient, number: str, status: str, **more: Any) -> None:
    answer = await easypost.post(f"/_sandbox/trackers/{number}/advance", json={"status": status, **more})
    answer.raise_for_status()


async def delivered(easypost: httpx.AsyncClient) -> dict[str, int]:
    """What became of the deliveries, once none is under way."""
    async with asyncio.timeout(20):
        while True:
            counts: dict[str, int] = (await easypost.get("/_sandbox/deliveries")).json()
            if not counts["pending"]:
                return counts
            await asyncio.sleep(0.05)


async def test_a_parcel_is_asked_about_by_its_tracker(stage: Stage, easypost: httpx.AsyncClient) -> None:
    number = await shipped(stage)
    await advance(easypost, number, "in_transit", city="Leipzig", country="DE", webhook=False)
    await advance(easypost, number, "delivered", status_detail="arrived_at_destination", webhook=False)

    said = await stage.ask()

    assert names(said) == ["parcel.tracked", "parcel.tracked", "parcel.delivered"]
    calls = (await easypost.get("/_sandbox/books/calls")).json()["rows"]
    assert [one["operation"] for one in calls if one["operation"].startswith("tracker")] == ["tracker.get"]


async def test_what_easypost_pushes_is_proven_stored_and_told_once_however_often_it_comes(
    stage: Stage, door: str, easypost: httpx.AsyncClient
) -> None:
    number = await shipped(stage)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)

    await advance(easypost, number, "out_for_delivery", datetime=noon.isoformat(), copies=3)
    await advance(easypost, number, "delivered", datetime=(noon + timedelta(hours=3)).isoformat())
    late = (noon - timedelta(hours=5)).isoformat()
    await advance(easypost, number, "in_transit", status_detail="arrived_at_facility", datetime=late)
    counts = await delivered(easypost)
    said = await stage.read()
    said += await stage.ask()

    assert counts == {"pending": 0, "delivered": 5, "failed": 0}
    assert sorted(names(said)) == ["parcel.delivered", *["parcel.tracked"] * 3]
    (row,) = await stage.rows("select status from followed_parcel")
    assert row.status == "delivered"


@pytest.mark.parametrize("signature", ["bad", "missing"])
async def test_a_delivery_with_a_wrong_signature_is_turned_away_and_not_stored(
    stage: Stage, door: str, easypost: httpx.AsyncClient, signature: str
) -> None:
    number = await shipped(stage)

    await advance(easypost, number, "delivered", signature=signature)
    counts = await delivered(easypost)

    attempts = (await easypost.get("/_sandbox/books/attempts")).json()["rows"]
    assert (counts["failed"], {one["status"] for one in attempts}) == (1, {401})
    assert await stage.rows("select 1 from carrier_message") == []
    assert await stage.read() == []


async def test_a_parcel_they_do_not_know_is_an_answer_about_that_parcel_alone(
    stage: Stage, tracker: EasyPostTracker
) -> None:
    number = await shipped(stage)
    refs = [TrackingRef("nobody"), TrackingRef(number), TrackingRef("lost", tracker_ref="trk_0")]

    answers = await tracker.track(refs)

    assert answers["nobody"] == NotTracked("not_found")
    assert answers["lost"] == NotTracked("not_found")
    assert answers[number] == Told()


@pytest.mark.parametrize(
    ("mode", "raised"), [("error_500", CarrierUnavailable), ("throttle", CarrierUnavailable)]
)
async def test_trouble_of_theirs_is_no_parcels_answer(
    tracker: EasyPostTracker, easypost: httpx.AsyncClient, mode: str, raised: type[Exception]
) -> None:
    await easypost.put("/_sandbox/faults", json=[{"operation": "tracker.list", "mode": mode}])

    with pytest.raises(raised):
        await tracker.track([TrackingRef("1")])


async def test_a_wrong_key_is_ours_to_mend(sandbox_url: str) -> None:
    tracker = EasyPostTracker(settings(sandbox_url, "EZTKanother"))

    with pytest.raises(CarrierMisconfigured, match="API_KEY"):
        await tracker.track([TrackingRef("1")])
    await tracker.close()
