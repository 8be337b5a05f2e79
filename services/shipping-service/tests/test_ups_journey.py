"""From stock.reserved to parcel.delivered with UPS's sandbox behind real HTTP, and alerts at our own door."""

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
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.shipping import ShipmentCancelledV1, VoidState
from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.ups.app import running_ups
from crossdock_sandbox.ups.office import UpsOptions
from shipping_service.adapters.carriers.ups import CARRIER, tracking
from shipping_service.adapters.carriers.ups.client import UpsGateway
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.adapters.carriers.ups.tracker import UpsTracker
from shipping_service.api.app import build_app
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable, DomainSettings
from shipping_service.use_cases.tracking_port import NotTracked, Told, Tracking, TrackingRef, Webhook

from .conftest import MIGRATIONS
from .samples import NEW_YORK, AnOrder
from .stage import StageWith, names, only

CLIENT, SECRET = "cd-demo-client", "cd-demo-secret"
WEBHOOK = Webhook(verify=tracking.verify, read=tracking.read, secrets=lambda: (CLIENT,), pull_only=True)
Stage = StageWith[UpsGateway]


def settings(base_url: str, **changes: Any) -> UpsSettings:
    given: dict[str, Any] = {
        "client_id": SecretStr(CLIENT),
        "client_secret": SecretStr(SECRET),
        "account_number": "CD0001",
        "base_url": base_url,
        "track_alert": True,
        "timeout_s": 5,
    }
    return UpsSettings(**given | changes)


@pytest.fixture
async def sandbox_url(tmp_path: Path) -> AsyncIterator[str]:
    async with running_ups(tmp_path, options=UpsOptions(retry_base_s=0.01)) as sandbox:
        yield sandbox.base_url


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def tracker(sandbox_url: str) -> AsyncIterator[UpsTracker]:
    tracker = UpsTracker(settings(sandbox_url))
    yield tracker
    await tracker.close()


@pytest.fixture
async def stage(fresh_database: FreshDatabase, sandbox_url: str, tracker: UpsTracker) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    capabilities = CARRIER.capabilities
    assert capabilities is not None
    domain = DomainSettings({"ups": capabilities}, timedelta(days=90), trackers={"ups"})
    database = open_database(open_engine(urls.app_url), domain)
    gateway = UpsGateway(settings(sandbox_url))
    stage = Stage(database, urls, gateway, capabilities, "ups")
    stage.tracking = Tracking(codes={}, open_tracker=lambda: tracker, webhook=WEBHOOK, subscribes=True)
    await stage.set_up("65")
    yield stage
    await gateway.close()
    await database.dispose()


@pytest.fixture
async def door(stage: Stage, control: httpx.AsyncClient) -> AsyncIterator[str]:
    """Our webhook's address, as UPS's portal knows it."""
    app = build_app(stage.database, HANDLERS, {"ups": WEBHOOK})
    async with serving(app, listening_socket(0)) as base_url:
        portal = {"url": f"{base_url}/webhooks/carriers/ups", "api_key": CLIENT}
        (await control.put("/_sandbox/portal", json=portal)).raise_for_status()
        yield base_url


async def sold(control: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await control.get("/_sandbox/books/shipments")).json()["rows"]
    return rows


async def misbehave(control: httpx.AsyncClient, operation: str, mode: str) -> None:
    rule = {"operation": operation, "mode": mode, "times": 1}
    (await control.put("/_sandbox/faults", json=[rule])).raise_for_status()


async def shipped(stage: Stage) -> tuple[AnOrder, str]:
    """An order that has left over a border, and its number."""
    order = AnOrder(consignee=NEW_YORK)
    await stage.labelled(order)
    (row,) = await stage.rows(
        "select tracking_number from followed_parcel where order_id = :id", id=order.order_id
    )
    return order, str(row.tracking_number)


async def scan(control: httpx.AsyncClient, number: str, code: str, hours_ago: float, **more: Any) -> None:
    kind, _, letters = code.partition(":")
    at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    body = {"type": kind, "code": letters, "at": at, "country": "US", **more}
    (await control.post(f"/_sandbox/shipments/{number}/scan", json=body)).raise_for_status()


async def delivered(control: httpx.AsyncClient) -> dict[str, int]:
    """What became of the alerts, once none is under way."""
    async with asyncio.timeout(20):
        while True:
            counts: dict[str, int] = (await control.get("/_sandbox/deliveries")).json()
            if not counts["pending"]:
                return counts
            await asyncio.sleep(0.05)


async def test_an_order_over_a_border_is_labelled_with_ups_own_invoice(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    said = await stage.labelled(AnOrder(consignee=NEW_YORK, skus=("mug", "cap"), units=2))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert len(await sold(control)) == 1
    documents = await stage.rows("select kind, media_type from document order by kind")
    assert [tuple(one) for one in documents] == [
        ("commercial_invoice", "application/pdf"),
        ("label", "application/zpl"),
    ]


async def test_a_label_whose_answer_was_lost_is_got_again_and_never_bought_again(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "shipment.create", "do_then_drop_connection")

    said = await stage.labelled(AnOrder(consignee=NEW_YORK))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert len(await sold(control)) == 1


async def test_a_label_that_is_not_found_yet_is_asked_for_again_and_never_bought_again(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    rules = [
        {"operation": "shipment.create", "mode": "do_then_drop_connection", "times": 1},
        {"operation": "label.recover", "mode": "refuse", "times": 2},
    ]
    (await control.put("/_sandbox/faults", json=rules)).raise_for_status()

    said = await stage.labelled(AnOrder(consignee=NEW_YORK))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    calls = (await control.get("/_sandbox/books/calls?operation=label.recover")).json()["rows"]
    assert [one["outcome"] for one in calls] == ["refused:111210", "refused:111210", "ok"]
    assert len(await sold(control)) == 1


async def test_a_cancelled_label_is_taken_back(stage: Stage, control: httpx.AsyncClient) -> None:
    order = AnOrder(consignee=NEW_YORK, hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.cancelled()))
    await stage.work()

    assert cancelled.void is VoidState.PENDING
    assert await stage.labels(order) == ["voided"]
    assert [bool(one["voided_at"]) for one in await sold(control)] == [True]


# -- on the way


async def test_a_parcel_is_followed_to_its_end(stage: Stage, control: httpx.AsyncClient) -> None:
    order, number = await shipped(stage)
    await scan(control, number, "I:OR", 40, country="DE")
    await scan(control, number, "X:71", 20)
    await scan(control, number, "D:KB", 2, copies=2)

    said = [*await stage.ask(), *await stage.ask()]

    assert "parcel.delivered" in names(said)
    assert names(said).count("parcel.tracked") == 3
    assert await stage.states(order) == ["closed"]


async def test_an_alert_is_not_believed_but_makes_us_ask(
    stage: Stage, door: str, control: httpx.AsyncClient
) -> None:
    _, number = await shipped(stage)
    assert await stage.ask() == []

    await scan(control, number, "I:OR", 2)
    counts = await delivered(control)

    assert counts == {"pending": 0, "delivered": 1, "failed": 0}
    assert await stage.read() == []
    assert names(await stage.ask()) == ["parcel.tracked"]


@pytest.mark.parametrize("signature", ["bad", "missing"])
async def test_an_alert_without_our_key_is_turned_away(
    stage: Stage, door: str, control: httpx.AsyncClient, signature: str
) -> None:
    _, number = await shipped(stage)
    await stage.ask()

    await scan(control, number, "D:KB", 1, signature=signature)
    counts = await delivered(control)

    attempts = (await control.get("/_sandbox/books/attempts")).json()["rows"]
    assert (counts["failed"], {one["status"] for one in attempts}) == (1, {401})
    assert await stage.rows("select 1 from carrier_message") == []


async def test_each_parcel_is_subscribed_to_once(stage: Stage, control: httpx.AsyncClient) -> None:
    await shipped(stage)

    await stage.ask()
    await stage.ask()

    calls = (await control.get("/_sandbox/books/calls?operation=alert.subscribe")).json()["rows"]
    assert [one["outcome"] for one in calls] == ["ok"]


@pytest.mark.parametrize("mode", ["error_500", "refuse", "do_then_drop_connection"])
async def test_alerts_that_cannot_be_had_keep_nobody_from_asking(
    mode: str, stage: Stage, control: httpx.AsyncClient
) -> None:
    _, number = await shipped(stage)
    await scan(control, number, "I:OR", 1)
    await misbehave(control, "alert.subscribe", mode)

    assert names(await stage.ask()) == ["parcel.tracked"]


async def test_a_number_they_do_not_know_is_an_answer_about_that_parcel_alone(
    stage: Stage, tracker: UpsTracker
) -> None:
    _, number = await shipped(stage)

    answers = await tracker.track([TrackingRef("1ZCIETST0422222228"), TrackingRef(number)])
    asked = await tracker.subscribe([TrackingRef("1ZCIETST0422222228"), TrackingRef(number)])

    assert answers == {"1ZCIETST0422222228": NotTracked("TV1002"), number: Told()}
    assert asked == {"1ZCIETST0422222228": NotTracked("not_subscribed"), number: ""}


async def test_without_alerts_nothing_is_subscribed_to(sandbox_url: str, control: httpx.AsyncClient) -> None:
    tracker = UpsTracker(settings(sandbox_url, track_alert=False))

    assert await tracker.subscribe([TrackingRef("1ZCIETST0422222228")]) == {"1ZCIETST0422222228": ""}
    await tracker.close()
    assert (await control.get("/_sandbox/books/calls")).json()["rows"] == []


@pytest.mark.parametrize("mode", ["error_500", "throttle", "do_then_drop_connection"])
async def test_trouble_of_theirs_is_no_parcels_answer(
    mode: str, tracker: UpsTracker, control: httpx.AsyncClient
) -> None:
    rule = {"operation": "parcel.track", "mode": mode}
    (await control.put("/_sandbox/faults", json=[rule])).raise_for_status()

    with pytest.raises(CarrierUnavailable):
        await tracker.track([TrackingRef("1ZCIETST0422222228")])


async def test_a_wrong_login_is_ours_to_mend(sandbox_url: str) -> None:
    tracker = UpsTracker(settings(sandbox_url, client_secret=SecretStr("guessed")))

    with pytest.raises(CarrierMisconfigured, match="CLIENT_SECRET"):
        await tracker.track([TrackingRef("1ZCIETST0422222228")])
    await tracker.close()
