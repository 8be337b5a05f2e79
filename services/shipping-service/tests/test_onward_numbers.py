"""A parcel that goes on under another number: followed under both, and one parcel all the same."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.shipping import ParcelTrackedV1
from shipping_service.api.app import build_app
from shipping_service.domain.following import MOST_ONWARD
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.follow_parcels import ParcelRef, take_told
from shipping_service.use_cases.ports import DomainSettings
from shipping_service.use_cases.tracking_port import GoesOn, NotTracked, Told

from .conftest import MIGRATIONS
from .samples import MERCHANT, AnOrder
from .scripted_carrier import ScriptedCarrier
from .scripted_tracker import ScriptedTracker, a_scan, a_tracking, pushing
from .stage import CAPABILITIES, Stage, names

NOW = datetime.now(UTC).replace(microsecond=0)
ONWARD = "9405500208303109884199"


@pytest.fixture
def line() -> ScriptedTracker:
    """Of the carrier that sold the label."""
    return ScriptedTracker()


@pytest.fixture
def post() -> ScriptedTracker:
    """Of the last mile."""
    return ScriptedTracker()


@pytest.fixture
def others() -> ScriptedTracker:
    """Of whoever does not tell."""
    return ScriptedTracker()


@pytest.fixture
def tracks_others() -> str | None:
    return "others"


@pytest.fixture
async def stage(
    fresh_database: FreshDatabase,
    line: ScriptedTracker,
    post: ScriptedTracker,
    others: ScriptedTracker,
    tracks_others: str | None,
) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    settings = DomainSettings(
        carriers={"scripted": CAPABILITIES},
        personal_for=timedelta(days=90),
        trackers={"scripted", "royal_post", "others"},
        tracks_others=tracks_others,
    )
    database = open_database(open_engine(urls.app_url), settings)
    besides = {"royal_post": a_tracking(post), "others": a_tracking(others)}
    stage = Stage(database, urls, ScriptedCarrier(), tracking=a_tracking(line), also_tracking=besides)
    await stage.set_up()
    yield stage
    await database.dispose()


async def labelled(stage: Stage) -> tuple[AnOrder, ParcelRef]:
    order = AnOrder()
    await stage.labelled(order)
    (row,) = await stage.rows("select shipment_id, label_id, tracking_number from followed_parcel")
    return order, ParcelRef(MERCHANT, row.shipment_id, row.label_id, row.tracking_number)


def story(number: str, *scans: tuple[str, float], goes_on: str | None = None, by: str | None = None) -> Told:
    told = tuple(a_scan(number, code, NOW - timedelta(hours=hours)) for code, hours in scans)
    return Told(told, goes_on=() if goes_on is None else (GoesOn(number, goes_on, by),))


async def test_a_parcel_is_followed_under_both_numbers_and_delivered_once(
    stage: Stage,
    line: ScriptedTracker,
    post: ScriptedTracker,
    others: ScriptedTracker,
    client: httpx.AsyncClient,
) -> None:
    order, ref = await labelled(stage)
    number = ref.tracking_number
    line.told[number] = story(number, ("accepted", 90), ("in_transit", 40), goes_on=ONWARD, by="Royal Post")
    first = await stage.ask()

    post.told[ONWARD] = story(ONWARD, ("created", 80), ("accepted", 30), ("delivered", 2))
    second = await stage.ask()
    line.told[number] = story(
        number, ("accepted", 90), ("in_transit", 40), ("delivered", 2), goes_on=ONWARD, by="Royal Post"
    )
    third = await stage.ask()

    assert names(first) == ["parcel.tracked"] * 2
    assert names(second) == [*["parcel.tracked"] * 3, "parcel.delivered"]
    assert {one.actor.name for one in second} == {"royal_post"}
    tracked = [one for one in second if isinstance(one, ParcelTrackedV1)]
    assert {one.tracking_number for one in tracked} == {number}
    assert [str(one.scan.status) for one in tracked] == ["created", "in_transit", "delivered"]
    assert third == []
    assert await stage.states(order) == ["closed"]
    assert others.asked == []
    path = f"/v1/shipments/{ref.shipment_id}"
    (parcel,) = (await client.get(path)).json()["parcels"]
    assert (parcel["tracking_number"], parcel["status"]) == (number, "delivered")
    (onward,) = parcel["onward"]
    assert (onward["tracking_number"], onward["carried_by"]) == (ONWARD, "Royal Post")
    assert onward["tracker"] == "royal_post"
    scans = (await client.get(f"{path}/scans")).json()["items"]
    assert {one["tracking_number"] for one in scans} == {number, ONWARD}
    lines = (await client.get(f"{path}/timeline")).json()["items"]
    assert [one["detail"] for one in lines if one["what"] == "goes_on"] == [f"{ONWARD} Royal Post"]


async def test_who_does_not_tell_is_followed_by_whoever_tracks_others(
    stage: Stage, line: ScriptedTracker, others: ScriptedTracker
) -> None:
    _, ref = await labelled(stage)
    number = ref.tracking_number
    line.told[number] = story(number, ("accepted", 9), goes_on=ONWARD, by="Silent Post")
    others.told[ONWARD] = NotTracked("not_found")

    await stage.ask()
    await stage.ask()

    assert others.asked == [[ONWARD]]
    (own,) = await stage.rows("select failures, last_error from followed_parcel")
    (onward,) = await stage.rows("select failures, last_error from onward_number")
    assert (tuple(own), tuple(onward)) == ((0, None), (1, "not_found"))


async def test_an_attempt_that_both_carriers_tell_of_is_one_and_is_told_once(
    stage: Stage, line: ScriptedTracker, post: ScriptedTracker
) -> None:
    order, ref = await labelled(stage)
    number = ref.tracking_number
    line.told[number] = story(number, ("delivery_failed", 5), goes_on=ONWARD, by="royal_post")
    post.told[ONWARD] = story(ONWARD, ("delivery_failed", 5))

    said = [*await stage.ask(), *await stage.ask()]

    assert names(said) == ["parcel.tracked"]
    assert len(await stage.rows("select 1 from scan")) == 2
    assert await stage.exceptions(order) == []


@pytest.mark.parametrize("pull_only", [False, True])
async def test_what_the_last_mile_pushes_is_heard(
    pull_only: bool, stage: Stage, line: ScriptedTracker, post: ScriptedTracker
) -> None:
    _, ref = await labelled(stage)
    line.told[ref.tracking_number] = story(ref.tracking_number, goes_on=ONWARD, by="royal_post")
    await stage.ask()
    await stage.ask()
    post.told[ONWARD] = story(ONWARD, ("delivered", 1))
    webhook = pushing(pull_only=pull_only)
    stage.also_tracking["royal_post"] = a_tracking(post, webhook=webhook)
    app = build_app(stage.database, HANDLERS, {"royal_post": webhook})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shipping") as carrier:
        body = json.dumps([[ONWARD, "delivered", (NOW - timedelta(hours=1)).isoformat()]])
        headers = {"x-secret": "s3cret", "x-id": "1"}
        await carrier.post("/webhooks/carriers/royal_post", content=body, headers=headers)

    read = await stage.read()
    await stage.parcels.put_due_questions()
    asked = await stage.work()

    assert names(asked if pull_only else read) == ["parcel.tracked", "parcel.delivered"]


async def test_what_is_no_number_known_or_one_too_many_opens_nothing(stage: Stage) -> None:
    _, ref = await labelled(stage)
    mistakes = ("", "a b", "x\0y12", "9" * 65, ref.tracking_number)
    more = [f"POST{count}" for count in range(MOST_ONWARD + 2)]

    for number in (*mistakes, *more, *more):
        async with stage.database.transaction() as tx:
            await take_told(ref, story(ref.tracking_number, goes_on=number), pushed=True, tx=tx)

    rows = await stage.rows("select tracking_number, tracker from onward_number order by told_at")
    assert [tuple(one) for one in rows] == [(one, "others") for one in more[:MOST_ONWARD]]


@pytest.mark.parametrize("tracks_others", [None])
async def test_without_anybody_who_tells_the_number_is_shown_and_not_asked_about(
    stage: Stage, line: ScriptedTracker, others: ScriptedTracker
) -> None:
    _, ref = await labelled(stage)
    line.told[ref.tracking_number] = story(ref.tracking_number, goes_on=ONWARD, by="Silent Post")

    await stage.ask()
    await stage.ask()

    (row,) = await stage.rows("select tracker, carried_by from onward_number")
    assert tuple(row) == (None, "Silent Post")
    assert others.asked == []
