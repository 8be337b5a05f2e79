"""From a label to the end of the parcel's way, with a tracker that tells what a test says."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import httpx
import pytest

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.shipping import ParcelDeliveredV1, ParcelExceptionV1, ParcelStatus, ParcelTrackedV1
from shipping_service.api.app import build_app
from shipping_service.domain.tracking import Status as S
from shipping_service.domain.tracking import means
from shipping_service.messaging import HANDLERS
from shipping_service.persistence.erasing import erase_expired
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.follow_parcels import ParcelRef, take_told
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable, DomainSettings
from shipping_service.use_cases.tracking_port import NotTracked, Told

from .conftest import MIGRATIONS
from .samples import MERCHANT, AnOrder
from .scripted_carrier import ScriptedCarrier
from .scripted_tracker import ScriptedTracker, a_scan, a_tracking, pushing
from .stage import CAPABILITIES, Stage, names

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def tracker() -> ScriptedTracker:
    return ScriptedTracker()


@pytest.fixture
async def stage(fresh_database: FreshDatabase, tracker: ScriptedTracker) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    settings = DomainSettings(
        carriers={"scripted": CAPABILITIES}, personal_for=timedelta(days=90), trackers={"scripted"}
    )
    database = open_database(open_engine(urls.app_url), settings)
    stage = Stage(database, urls, ScriptedCarrier(), tracking=a_tracking(tracker))
    await stage.set_up()
    yield stage
    await database.dispose()


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


async def shipped(stage: Stage, **more: Any) -> tuple[AnOrder, str]:
    """An order that has left, and its tracking number."""
    order = AnOrder(**more)
    await stage.labelled(order)
    return order, await number_of(stage, order)


async def number_of(stage: Stage, order: AnOrder) -> str:
    (row,) = await stage.rows(
        "select tracking_number from followed_parcel where order_id = :id", id=order.order_id
    )
    return str(row.tracking_number)


async def ref_of(stage: Stage, order: AnOrder) -> ParcelRef:
    (row,) = await stage.rows(
        "select shipment_id, label_id, tracking_number from followed_parcel where order_id = :id",
        id=order.order_id,
    )
    return ParcelRef(MERCHANT, row.shipment_id, row.label_id, row.tracking_number)


def told(number: str, *scans: tuple[str, float]) -> Told:
    return Told(tuple(a_scan(number, code, hours_ago(hours)) for code, hours in scans))


async def test_a_parcel_is_told_of_step_by_step_until_it_is_delivered_and_its_leg_closes(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    order, number = await shipped(stage)

    tracker.told[number] = told(number, ("accepted", 9), ("in_transit", 5))
    first = await stage.ask()
    tracker.told[number] = told(number, ("accepted", 9), ("in_transit", 5), ("note", 3), ("delivered", 1))
    second = await stage.ask()
    again = await stage.ask()

    assert names(first) == ["parcel.tracked", "parcel.tracked"]
    assert names(second) == ["parcel.tracked", "parcel.tracked", "parcel.delivered"]
    assert again == []
    scans = [one.scan for one in [*first, *second] if isinstance(one, ParcelTrackedV1)]
    assert [(one.raw_code, str(one.status)) for one in scans] == [
        ("accepted", "accepted"),
        ("in_transit", "in_transit"),
        ("note", "in_transit"),
        ("delivered", "delivered"),
    ]
    assert [one.aggregate_version for one in [*first, *second]] == [3, 4, 5, 6, 7]
    delivered = second[-1]
    assert isinstance(delivered, ParcelDeliveredV1)
    assert (delivered.delivered_at, delivered.actor.name) == (hours_ago(1), "scripted")
    assert await stage.states(order) == ["closed"]
    assert await stage.exceptions(order) == []


@pytest.mark.parametrize("turn", list(permutations(range(3))))
async def test_pushes_in_any_order_end_alike_and_each_scan_is_told_once(
    stage: Stage, turn: tuple[int, ...]
) -> None:
    order, number = await shipped(stage)
    ref = await ref_of(stage, order)
    story = told(number, ("out_for_delivery", 4), ("delivery_failed", 2), ("delivered", 1)).scans

    said = []
    for index in (*turn, *turn):
        async with stage.database.transaction() as tx:
            await take_told(ref, Told((story[index],)), pushed=True, tx=tx)
        said += await stage.said()

    assert sorted(names(said)) == ["parcel.delivered", *["parcel.tracked"] * 3]
    (row,) = await stage.rows("select status, since from followed_parcel")
    assert (row.status, row.since) == ("delivered", hours_ago(1))
    assert await stage.states(order) == ["closed"]


async def test_two_tellings_at_once_are_one(stage: Stage) -> None:
    order, number = await shipped(stage)
    ref = await ref_of(stage, order)

    async def tell() -> None:
        async with stage.database.transaction() as tx:
            await take_told(ref, told(number, ("accepted", 2), ("delivered", 1)), pushed=True, tx=tx)

    await asyncio.gather(*(tell() for _ in range(6)))

    assert names(await stage.said()) == ["parcel.tracked", "parcel.tracked", "parcel.delivered"]


async def test_a_delivery_that_is_taken_back_and_made_again_is_told_twice(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)

    said = []
    story: tuple[tuple[str, float], ...] = ()
    for step in (("out_for_delivery", 9.0), ("delivered", 8.0), ("undo", 7.0), ("delivered", 6.0)):
        story = (*story, step)
        tracker.told[number] = told(number, *story)
        said += await stage.ask()

    tracked = [str(one.scan.status) for one in said if isinstance(one, ParcelTrackedV1)]
    assert tracked == ["out_for_delivery", "delivered", "out_for_delivery", "delivered"]
    assert [one for one in names(said) if one != "parcel.tracked"] == ["parcel.delivered"] * 2


async def test_a_parcel_on_its_way_back_is_shown_and_told_as_returned(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    order, number = await shipped(stage)
    tracker.told[number] = told(number, ("accepted", 9), ("returning", 5))

    returning = await stage.ask()
    shown = await stage.exceptions(order)
    tracker.told[number] = told(
        number, ("accepted", 9), ("returning", 5), ("in_transit", 4), ("delivered", 1)
    )
    returned = await stage.ask()

    assert names(returning) == ["parcel.tracked", "parcel.tracked", "parcel.exception"]
    assert shown == ["parcel_returning"]
    assert names(returned) == ["parcel.tracked", "parcel.tracked", "parcel.returned"]
    assert await stage.exceptions(order) == []
    assert await stage.states(order) == ["closed"]


@pytest.mark.parametrize(
    ("story", "codes"),
    [
        ([("customs_hold", 23)], []),
        ([("customs_hold", 25)], ["parcel_customs_hold"]),
        ([("delivery_failed", 2)], []),
        ([("delivery_failed", 20), ("delivery_failed", 2)], ["parcel_delivery_failed"]),
    ],
)
async def test_what_time_or_number_makes_trouble_is_told_with_its_scan_once(
    stage: Stage, tracker: ScriptedTracker, story: list[tuple[str, float]], codes: list[str]
) -> None:
    order, number = await shipped(stage)
    tracker.told[number] = told(number, *story)

    said = [*await stage.ask(), *await stage.ask()]

    assert await stage.exceptions(order) == codes
    troubles = [one for one in said if isinstance(one, ParcelExceptionV1)]
    assert [one.scan.raw_code for one in troubles] == [story[-1][0] for _ in codes]


async def test_a_parcel_that_nobody_accepts_for_two_days_is_shown_and_settles_itself(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    order, number = await shipped(stage)
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update followed_parcel set labelled_at = labelled_at - interval '49 hours'"
        )
    tracker.told[number] = NotTracked("not_found")

    said = await stage.ask()
    shown = await stage.exceptions(order)
    tracker.told[number] = told(number, ("accepted", 1))
    await stage.ask()

    assert (said, shown) == ([], ["parcel_not_accepted"])
    assert await stage.exceptions(order) == []


async def test_one_bad_parcel_never_stops_the_rest(
    stage: Stage, tracker: ScriptedTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [(await shipped(stage))[1] for _ in range(3)]
    bad, good, silent = numbers
    broken = replace(a_scan(bad, "accepted", NOW), country="NOT-A-COUNTRY")
    tracker.told = {bad: Told((broken,)), good: told(good, ("accepted", 1)), silent: NotTracked("gone")}

    said = await stage.ask()

    assert [one.tracking_number for one in said if isinstance(one, ParcelTrackedV1)] == [good]
    rows = await stage.rows("select tracking_number, failures, last_error from followed_parcel")
    assert {(one.tracking_number, one.failures, one.last_error) for one in rows} == {
        (bad, 0, None),
        (good, 0, None),
        (silent, 1, "gone"),
    }
    assert await stage.rows("select 1 from job where kind = 'track_parcels' and state <> 'done'") == []


async def test_parcels_are_asked_about_in_batches_and_not_before_they_are_due(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    for _ in range(3):
        await shipped(stage)

    await stage.parcels.put_due_questions()
    await stage.work()
    assert tracker.asked == []
    await stage.ask()

    assert sorted(len(one) for one in tracker.asked) == [1, 2]
    assert (
        await stage.rows("select 1 from followed_parcel where next_poll_at < now() + interval '1 hour'") == []
    )


async def test_a_question_that_did_not_reach_them_is_put_again(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)
    tracker.fails, tracker.told[number] = [CarrierUnavailable("down")], told(number, ("accepted", 1))

    said = await stage.ask()

    assert tracker.asked == [[number], [number]]
    assert names(said) == ["parcel.tracked"]


async def test_a_refused_account_is_asked_with_again_in_minutes(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)
    tracker.fails = [CarrierMisconfigured("wrong key")]

    await stage.ask()

    assert tracker.asked == [[number]]
    (job,) = await stage.rows("select state, last_error from job where kind = 'track_parcels'")
    assert tuple(job) == ("ready", "the carrier refuses our account")


async def test_an_ended_parcel_is_left_alone_after_some_days(stage: Stage, tracker: ScriptedTracker) -> None:
    _, number = await shipped(stage)
    tracker.told[number] = told(number, ("delivered", 24 * 4))

    await stage.ask()

    assert [one.next_poll_at for one in await stage.rows("select next_poll_at from followed_parcel")] == [
        None
    ]


async def test_a_code_that_nobody_knows_is_told_as_unknown_and_understood_once_it_is_known(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)
    scan = a_scan(number, "ZZ", hours_ago(1))
    tracker.told[number] = Told((scan,))
    unknown = await stage.ask()

    tracker.told[number] = Told((replace(scan, meaning=means(S.OUT_FOR_DELIVERY)),))
    understood = await stage.ask()

    statuses = [one.scan.status for one in [*unknown, *understood] if isinstance(one, ParcelTrackedV1)]
    assert statuses == [ParcelStatus.UNKNOWN, ParcelStatus.OUT_FOR_DELIVERY]
    (row,) = await stage.rows("select f.status, s.status as scanned from followed_parcel f, scan s")
    assert (row.status, row.scanned) == ("out_for_delivery", "out_for_delivery")


async def test_a_parcel_that_moves_before_its_hand_over_is_shown(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    order, number = await shipped(stage, hand_over=HandOver.MANUAL)
    tracker.told[number] = told(number, ("accepted", 1))

    said = await stage.ask()

    assert names(said) == ["parcel.tracked"]
    assert await stage.states(order) == ["labelled"]
    assert await stage.exceptions(order) == ["scanned_before_hand_over"]


async def test_a_cancelled_label_that_moves_is_shown_and_told_to_nobody(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    order, number = await shipped(stage, hand_over=HandOver.MANUAL)
    await stage.hear(order.cancelled())
    await stage.work()
    tracker.told[number] = told(number, ("accepted", 1))

    said = await stage.ask()

    assert said == []
    assert await stage.exceptions(order) == ["scanned_after_cancel"]
    assert len(await stage.rows("select 1 from scan")) == 1


async def test_the_carriers_words_are_kept_apart_and_go_in_their_time(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)
    signed = a_scan(number, "delivered", hours_ago(1), text="Signed by Jörg Beispiel")
    tracker.told[number] = Told((signed,))

    said = await stage.ask()
    kept = await stage.rows("select raw_text from scan_text")
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update scan_text set personal_until = now() - interval '1 second'")
    await erase_expired(stage.database)
    again = await stage.ask()

    assert all("Jörg" not in one.model_dump_json() for one in said)
    assert [one.raw_text for one in kept] == ["Signed by Jörg Beispiel"]
    assert await stage.rows("select raw_text from scan_text") == []
    assert again == []


async def test_a_shipment_shows_its_parcel_and_page_by_page_what_was_told_of_it(
    stage: Stage, tracker: ScriptedTracker, client: httpx.AsyncClient
) -> None:
    order, number = await shipped(stage)
    tracker.told[number] = told(number, ("accepted", 9), ("in_transit", 5), ("delivery_failed", 1))
    await stage.ask()
    path = f"/v1/shipments/{await stage.shipment(order)}"

    (short,) = (await client.get("/v1/shipments")).json()["items"]
    shown = (await client.get(path)).json()
    first = (await client.get(f"{path}/scans", params={"limit": 2})).json()
    rest = (await client.get(f"{path}/scans", params={"cursor": first["next_cursor"]})).json()

    assert short["parcel_status"] == "delivery_failed"
    assert [(one["tracking_number"], one["tracker"], one["status"]) for one in shown["parcels"]] == [
        (number, "scripted", "delivery_failed")
    ]
    scans = [*first["items"], *rest["items"]]
    assert [one["raw_code"] for one in scans] == ["accepted", "in_transit", "delivery_failed"]
    assert rest["next_cursor"] is None
    assert "raw_text" not in scans[0]


async def test_an_exception_names_who_takes_the_next_step(
    stage: Stage, tracker: ScriptedTracker, client: httpx.AsyncClient
) -> None:
    _, number = await shipped(stage)
    tracker.told[number] = told(number, ("returning", 1))
    await stage.ask()

    (shown,) = (await client.get("/v1/exceptions")).json()["items"]

    assert (shown["code"], shown["owner"]) == ("parcel_returning", "customer service")
    assert shown["next_step"].startswith("The parcel is on its way back")


# -- pushed


@pytest.fixture
async def carrier(stage: Stage, tracker: ScriptedTracker) -> AsyncIterator[httpx.AsyncClient]:
    """The carrier, at our door."""
    stage.tracking = a_tracking(tracker, webhook=pushing())
    app = build_app(stage.database, HANDLERS, {"scripted": pushing()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shipping") as client:
        yield client


async def push(
    carrier: httpx.AsyncClient, number: str, *scans: tuple[str, float], id_: str = "1", secret: str = "s3cret"
) -> httpx.Response:
    body = json.dumps([[number, code, hours_ago(hours).isoformat()] for code, hours in scans])
    headers = {"x-secret": secret, "x-id": id_}
    return await carrier.post("/webhooks/carriers/scripted", content=body, headers=headers)


async def test_what_is_pushed_is_stored_answered_and_read_later(
    stage: Stage, carrier: httpx.AsyncClient
) -> None:
    _, number = await shipped(stage)

    answer = await push(carrier, number, ("accepted", 2), ("delivered", 1))
    at_once = await stage.said()
    later = await stage.read()

    assert (answer.status_code, answer.text) == (202, "taken")
    assert at_once == []
    assert names(later) == ["parcel.tracked", "parcel.tracked", "parcel.delivered"]
    assert [one.state for one in await stage.rows("select state from carrier_message")] == ["read"]


async def test_a_delivery_that_comes_again_is_answered_the_same_and_stored_once(
    stage: Stage, carrier: httpx.AsyncClient
) -> None:
    _, number = await shipped(stage)

    answers = [await push(carrier, number, ("accepted", 2)) for _ in range(3)]
    said = [*await stage.read(), *await stage.read()]

    assert [one.status_code for one in answers] == [202] * 3
    assert names(said) == ["parcel.tracked"]
    assert len(await stage.rows("select 1 from carrier_message")) == 1


async def test_what_is_not_proven_is_turned_away_and_nothing_of_it_is_stored(
    stage: Stage, carrier: httpx.AsyncClient
) -> None:
    answers = [
        await push(carrier, "1", ("accepted", 2), secret="guessed"),
        await carrier.post("/webhooks/carriers/nobody", content=b"[]"),
    ]
    too_large = await carrier.post("/webhooks/carriers/scripted", content=b"x" * 1_100_000)

    assert [(one.status_code, one.content) for one in answers] == [(401, b"")] * 2
    assert too_large.status_code == 413
    assert await stage.rows("select 1 from carrier_message") == []


async def test_a_message_that_cannot_be_read_waits_for_a_person_and_the_next_is_read(
    stage: Stage, carrier: httpx.AsyncClient
) -> None:
    _, number = await shipped(stage)
    headers = {"x-secret": "s3cret", "x-id": "broken"}
    await carrier.post("/webhooks/carriers/scripted", content=b"no JSON", headers=headers)
    await push(carrier, number, ("accepted", 2), id_="good")
    await push(carrier, "somebody-elses", ("accepted", 2), id_="other")

    said = await stage.read()

    assert names(said) == ["parcel.tracked"]
    rows = await stage.rows("select dedupe_key, state, error from carrier_message order by dedupe_key")
    assert [tuple(one) for one in rows] == [
        ("broken", "failed", "read: JSONDecodeError"),
        ("good", "read", None),
        ("other", "read", None),
    ]


async def test_a_weakly_proven_delivery_only_makes_us_ask(
    stage: Stage, carrier: httpx.AsyncClient, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)
    stage.tracking = a_tracking(tracker, webhook=pushing(pull_only=True))
    tracker.told[number] = told(number, ("accepted", 3))

    await push(carrier, number, ("delivered", 1))
    read = await stage.read()
    await stage.parcels.put_due_questions()
    said = await stage.work()

    assert read == []
    assert tracker.asked == [[number]]
    assert names(said) == ["parcel.tracked"]


async def test_pushed_news_are_asked_for_once_where_the_carrier_wants_to_be_asked(
    stage: Stage, tracker: ScriptedTracker
) -> None:
    _, number = await shipped(stage)
    stage.tracking = a_tracking(tracker, subscribes=True)

    await stage.ask()
    await stage.ask()

    assert tracker.subscribed == [number]
    assert [one.tracker_ref for one in await stage.rows("select tracker_ref from followed_parcel")] == [
        f"trk_{number}"
    ]


async def test_why_news_are_not_pushed_is_shown_and_they_are_asked_for_ever_more_seldom(
    stage: Stage, tracker: ScriptedTracker, client: httpx.AsyncClient
) -> None:
    order, number = await shipped(stage)
    stage.tracking = a_tracking(tracker, subscribes=True)
    tracker.refuses[number], tracker.told[number] = NotTracked("quota"), told(number, ("accepted", 1))
    path = f"/v1/shipments/{await stage.shipment(order)}"

    said = await stage.ask()
    await stage.ask()
    (refused,) = (await client.get(path)).json()["parcels"]
    times = [await wait_is_over(stage) for _ in range(2)]
    del tracker.refuses[number]
    await wait_is_over(stage)
    (taken,) = (await client.get(path)).json()["parcels"]

    assert names(said) == ["parcel.tracked"]
    assert (refused["last_error"], refused["not_subscribed"], refused["status"]) == (
        None,
        "quota",
        "accepted",
    )
    assert tracker.subscribed == [number] * 4
    assert times == [timedelta(hours=8), timedelta(hours=16)]
    assert taken["not_subscribed"] is None
    (row,) = await stage.rows("select subscribed, subscribe_failures, subscribe_at from followed_parcel")
    assert tuple(row) == (True, 0, None)


async def wait_is_over(stage: Stage) -> timedelta:
    """Ask once it is, and tell how long the next one takes."""
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update followed_parcel set subscribe_at = crossdock_clock()")
    await stage.ask()
    (row,) = await stage.rows("select subscribe_at - crossdock_clock() as wait from followed_parcel")
    return timedelta(hours=0 if row.wait is None else round(row.wait / timedelta(hours=1)))
