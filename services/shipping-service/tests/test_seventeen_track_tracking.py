"""Parcels of a carrier that does not tell, followed at 17TRACK over real HTTP: registered once, asked about,
and pushed to our own door with real signatures.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.seventeen_track.app import (
    SeventeenTrackOptions,
    SeventeenTrackSandbox,
    running_seventeen_track,
)
from shipping_service.adapters.carriers.seventeen_track import CARRIER, tracking
from shipping_service.adapters.carriers.seventeen_track.settings import SeventeenTrackSettings
from shipping_service.adapters.carriers.seventeen_track.tracker import SeventeenTrackTracker
from shipping_service.api.app import build_app
from shipping_service.domain.consignment import BoughtLabel, ConsignmentRequest
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings, Prepared
from shipping_service.use_cases.tracking_port import Webhook

from .conftest import MIGRATIONS
from .samples import AnOrder
from .scripted_carrier import ScriptedCarrier
from .stage import CAPABILITIES, Stage, names

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TWO_CREDITS = 2


@dataclass
class SilentPost(ScriptedCarrier):
    """Sells labels under the numbers of a post, and never tells where its parcels are."""

    sold: int = 0

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        bought = await super().buy(request, prepared)
        self.sold += 1
        return replace(bought, tracking_number=f"RR{self.sold:08d}5CN", carrier="China Post")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SeventeenTrackSandbox]:
    options = SeventeenTrackOptions(quota=TWO_CREDITS, retry_base_s=0.01)
    async with running_seventeen_track(tmp_path, options=options) as running:
        yield running


@pytest.fixture
async def control(sandbox: SeventeenTrackSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
def webhook(sandbox: SeventeenTrackSandbox) -> Webhook:
    return Webhook(verify=tracking.verify, read=tracking.read, secrets=lambda: (sandbox.api_key,))


@pytest.fixture
async def stage(
    fresh_database: FreshDatabase, sandbox: SeventeenTrackSandbox, webhook: Webhook
) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    offered = CARRIER.tracking
    assert offered is not None
    domain = DomainSettings(
        {"scripted": CAPABILITIES},
        timedelta(days=90),
        trackers={"seventeen_track"},
        tracks_others="seventeen_track",
    )
    database = open_database(open_engine(urls.app_url), domain)
    tracker = SeventeenTrackTracker(
        SeventeenTrackSettings(
            api_key=SecretStr(sandbox.api_key), base_url=f"{sandbox.base_url}/track/v2.2", timeout_s=5
        )
    )
    told_by = replace(offered, open_tracker=lambda: tracker, webhook=webhook)
    stage = Stage(database, urls, SilentPost(), tracking=told_by, tracked_by="seventeen_track")
    await stage.set_up()
    yield stage
    await tracker.close()
    await database.dispose()


@pytest.fixture
async def door(stage: Stage, webhook: Webhook, control: httpx.AsyncClient) -> AsyncIterator[None]:
    """Our webhook's address, told to 17TRACK."""
    app = build_app(stage.database, HANDLERS, {"seventeen_track": webhook})
    async with serving(app, listening_socket(0)) as base_url:
        url = f"{base_url}/webhooks/carriers/seventeen_track"
        (await control.put("/_sandbox/webhook", json={"url": url})).raise_for_status()
        yield


async def shipped(stage: Stage) -> str:
    """Its number, once it is registered at 17TRACK."""
    order = AnOrder()
    await stage.labelled(order)
    await stage.ask()
    (row,) = await stage.rows(
        "select tracking_number from followed_parcel where order_id = :id", id=order.order_id
    )
    return str(row.tracking_number)


async def happens(control: httpx.AsyncClient, number: str, sub_status: str, **more: Any) -> None:
    scan = {"sub_status": sub_status, **more}
    (await control.post(f"/_sandbox/numbers/{number}/events", json=scan)).raise_for_status()


async def delivered(control: httpx.AsyncClient) -> dict[str, int]:
    """What became of the pushes, once none is under way."""
    async with asyncio.timeout(20):
        while True:
            counts: dict[str, int] = (await control.get("/_sandbox/deliveries")).json()
            if not counts["pending"]:
                return counts
            await asyncio.sleep(0.05)


async def test_a_parcel_of_a_carrier_that_does_not_tell_is_registered_once_and_asked_about(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    number = await shipped(stage)
    await happens(control, number, "InTransit_PickedUp", at=NOON.isoformat())
    await happens(control, number, "Delivered_Other", at=(NOON + timedelta(days=9)).isoformat())

    said = await stage.ask()
    again = await stage.ask()

    assert names(said) == ["parcel.tracked", "parcel.tracked", "parcel.delivered"]
    assert again == []
    calls = (await control.get("/_sandbox/books/calls")).json()["rows"]
    assert [one["operation"] for one in calls] == ["register", *["gettrackinfo"] * 3]
    (row,) = await stage.rows("select tracker, tracker_ref, subscribed from followed_parcel")
    assert tuple(row) == ("seventeen_track", "3011", True)


async def test_what_is_pushed_is_proven_stored_and_told_once_however_often_and_late_it_comes(
    stage: Stage, door: None, control: httpx.AsyncClient
) -> None:
    number = await shipped(stage)

    await happens(control, number, "OutForDelivery_Other", at=NOON.isoformat(), copies=3)
    await happens(control, number, "Delivered_Other", at=(NOON + timedelta(hours=3)).isoformat())
    await happens(control, number, "InTransit_Arrival", at=(NOON - timedelta(days=1)).isoformat())
    counts = await delivered(control)
    said = await stage.read()
    said += await stage.ask()

    assert counts == {"pending": 0, "delivered": 5, "failed": 0}
    assert sorted(names(said)) == ["parcel.delivered", *["parcel.tracked"] * 3]


@pytest.mark.parametrize("signature", ["bad", "missing"])
async def test_a_push_with_a_wrong_signature_is_turned_away_tried_again_and_never_stored(
    stage: Stage, door: None, control: httpx.AsyncClient, signature: str
) -> None:
    number = await shipped(stage)

    await happens(control, number, "Delivered_Other", signature=signature)
    counts = await delivered(control)

    attempts = (await control.get("/_sandbox/books/attempts")).json()["rows"]
    assert (counts["failed"], [one["status"] for one in attempts]) == (1, [401] * 4)
    assert await stage.rows("select 1 from carrier_message") == []


async def test_when_17track_stops_following_a_parcel_it_is_asked_about_at_once(
    stage: Stage, door: None, control: httpx.AsyncClient
) -> None:
    number = await shipped(stage)
    await happens(control, number, "InTransit_PickedUp", push=False)
    (await control.post(f"/_sandbox/numbers/{number}/stop")).raise_for_status()
    await delivered(control)

    await stage.read()
    await stage.parcels.put_due_questions()
    said = await stage.work()

    assert names(said) == ["parcel.tracked"]


async def test_a_parcel_beyond_the_quota_waits_and_the_others_go_on(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    numbers = [await shipped(stage) for _ in range(TWO_CREDITS + 1)]
    await happens(control, numbers[0], "InTransit_PickedUp")

    said = await stage.ask()

    assert names(said) == ["parcel.tracked"]
    rows = await stage.rows(
        "select subscribed, failures > 0 as failed from followed_parcel order by tracking_number"
    )
    assert [tuple(one) for one in rows] == [(True, False), (True, False), (False, True)]
