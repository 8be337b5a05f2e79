"""The tracker against a real server that speaks 17TRACK's API, keeps books and misbehaves when told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.serving import listening_socket, serving
from crossdock_sandbox.seventeen_track.app import (
    SeventeenTrackOptions,
    SeventeenTrackSandbox,
    running_seventeen_track,
)
from shipping_service.adapters.carriers.seventeen_track.settings import SeventeenTrackSettings
from shipping_service.adapters.carriers.seventeen_track.tracker import SeventeenTrackTracker
from shipping_service.domain.tracking import Status
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

CHINESE, ANOTHER, NOBODYS = "RR123456785CN", "RR000000005CN", "RR123456780CN"
QUOTA = 3


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SeventeenTrackSandbox]:
    options = SeventeenTrackOptions(quota=QUOTA)
    async with running_seventeen_track(tmp_path, options=options) as running:
        yield running


@pytest.fixture
async def control(sandbox: SeventeenTrackSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def tracker(sandbox: SeventeenTrackSandbox) -> AsyncIterator[SeventeenTrackTracker]:
    async with a_tracker(sandbox.base_url, sandbox.api_key) as opened:
        yield opened


@asynccontextmanager
async def a_tracker(base_url: str, key: str, **more: Any) -> AsyncIterator[SeventeenTrackTracker]:
    settings = SeventeenTrackSettings(
        api_key=SecretStr(key), base_url=f"{base_url}/track/v2.2", timeout_s=5, **more
    )
    tracker = SeventeenTrackTracker(settings)
    try:
        yield tracker
    finally:
        await tracker.close()


async def books(control: httpx.AsyncClient, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await control.get(f"/_sandbox/books/{table}")).json()["rows"]
    return rows


async def test_each_number_of_a_batch_is_registered_or_rejected_by_itself(
    tracker: SeventeenTrackTracker, control: httpx.AsyncClient
) -> None:
    answers = await tracker.subscribe([TrackingRef(CHINESE), TrackingRef(NOBODYS), TrackingRef("?")])

    assert answers == {
        CHINESE: "3011",
        NOBODYS: NotTracked("-18019903"),
        "?": NotTracked("-18010012"),
    }
    assert [one["operation"] for one in await books(control, "calls")] == ["register"]


async def test_a_number_is_paid_for_once_however_often_it_is_subscribed(
    tracker: SeventeenTrackTracker, control: httpx.AsyncClient
) -> None:
    first = await tracker.subscribe([TrackingRef(CHINESE)])
    again = await tracker.subscribe([TrackingRef(CHINESE)])

    assert (first, again) == ({CHINESE: "3011"}, {CHINESE: ""})
    assert len(await books(control, "numbers")) == 1


async def test_a_registration_whose_answer_was_lost_is_found_to_be_there(
    tracker: SeventeenTrackTracker, control: httpx.AsyncClient
) -> None:
    await control.put(
        "/_sandbox/faults", json=[{"operation": "*", "mode": "do_then_drop_connection", "times": 1}]
    )
    with pytest.raises(CarrierUnavailable):
        await tracker.subscribe([TrackingRef(CHINESE)])

    assert await tracker.subscribe([TrackingRef(CHINESE)]) == {CHINESE: ""}
    assert len(await books(control, "numbers")) == 1


@pytest.mark.parametrize(
    ("carried_by", "settings", "carrier"),
    [
        ("USPS", {}, 21051),
        ("DHLExpress", {}, 100001),
        ("china_post", {}, 3011),
        ("Yanwen", {"carrier_keys": {"yanwen": 190012}}, 190012),
        ("usps", {"carrier_keys": {"USPS": 7}}, 7),
    ],
)
async def test_the_carrier_is_named_where_its_key_is_known(
    sandbox: SeventeenTrackSandbox,
    control: httpx.AsyncClient,
    carried_by: str,
    settings: dict[str, Any],
    carrier: int,
) -> None:
    async with a_tracker(sandbox.base_url, sandbox.api_key, **settings) as tracker:
        answers = await tracker.subscribe([TrackingRef("UNKNOWN-FORM-1", carried_by=carried_by)])

    assert answers == {"UNKNOWN-FORM-1": str(carrier)}


async def test_a_quota_that_is_used_up_keeps_new_numbers_out_and_no_others(
    tracker: SeventeenTrackTracker,
) -> None:
    known = [TrackingRef(f"000000000{n}") for n in range(QUOTA)]
    await tracker.subscribe(known)

    assert await tracker.subscribe([TrackingRef(CHINESE)]) == {CHINESE: NotTracked("-18019908")}
    answers = await tracker.track([*known, TrackingRef(CHINESE)])

    assert answers == {
        **{one.tracking_number: Told() for one in known},
        CHINESE: NotTracked("-18019902"),
    }


async def test_parcels_of_one_call_are_told_by_what_happened_to_each(
    tracker: SeventeenTrackTracker, control: httpx.AsyncClient
) -> None:
    await tracker.subscribe([TrackingRef(CHINESE), TrackingRef(ANOTHER)])
    for scan in (
        {"sub_status": "InTransit_PickedUp", "at": "2026-06-10T10:00:00+08:00", "country": "CN"},
        {"sub_status": "Delivered_Other", "at": "2026-06-20T10:00:00+02:00", "provider": 19051},
    ):
        await control.post(f"/_sandbox/numbers/{CHINESE}/events", json=scan)

    refs = [TrackingRef(CHINESE, "3011"), TrackingRef(ANOTHER, "3011"), TrackingRef(CHINESE[::-1])]
    answers = await tracker.track(refs)

    of_one = answers[CHINESE]
    assert isinstance(of_one, Told)
    assert [one.meaning.status for one in of_one.scans] == [Status.ACCEPTED, Status.DELIVERED]
    assert answers[ANOTHER] == Told()
    assert answers[CHINESE[::-1]] == NotTracked("-18019902")


async def test_a_number_of_another_carrier_is_not_this_parcel(tracker: SeventeenTrackTracker) -> None:
    await tracker.subscribe([TrackingRef(CHINESE)])

    answers = await tracker.track([TrackingRef(CHINESE, "21051")])

    assert answers == {CHINESE: NotTracked("-18019902")}


# -- trouble


@pytest.mark.parametrize(
    ("mode", "raised"),
    [
        ("error_500", CarrierUnavailable),
        ("throttle", CarrierUnavailable),
        ("do_then_drop_connection", CarrierUnavailable),
        ("refuse", CarrierMisconfigured),
    ],
)
async def test_trouble_of_theirs_is_no_parcels_answer(
    tracker: SeventeenTrackTracker, control: httpx.AsyncClient, mode: str, raised: type[Exception]
) -> None:
    await control.put("/_sandbox/faults", json=[{"mode": mode}])

    with pytest.raises(raised):
        await tracker.track([TrackingRef(CHINESE)])
    with pytest.raises(raised):
        await tracker.subscribe([TrackingRef(CHINESE)])


async def test_a_wrong_key_is_ours_to_mend_and_is_not_repeated(sandbox: SeventeenTrackSandbox) -> None:
    async with a_tracker(sandbox.base_url, "guessed") as tracker:
        with pytest.raises(CarrierMisconfigured, match="API_KEY") as stopped:
            await tracker.track([TrackingRef(CHINESE)])

    assert "guessed" not in str(stopped.value)


async def test_who_calls_too_fast_is_asked_to_slow_down(tmp_path: Path) -> None:
    options = SeventeenTrackOptions(calls_per_s=1)
    async with (
        running_seventeen_track(tmp_path, options=options) as sandbox,
        a_tracker(sandbox.base_url, sandbox.api_key) as tracker,
    ):
        await tracker.track([TrackingRef(CHINESE)])
        with pytest.raises(CarrierUnavailable, match="slow down"):
            await tracker.track([TrackingRef(CHINESE)])


@asynccontextmanager
async def answering(*answers: tuple[int, Any]) -> AsyncIterator[SeventeenTrackTracker]:
    """A server that gives these answers, one after the other, the last one from then on."""
    left = list(answers)

    async def answer(request: Request) -> Response:
        status, content = left.pop(0) if len(left) > 1 else left[0]
        found = content(await request.json()) if callable(content) else content
        return JSONResponse(found, status, {"Retry-After": "7"})

    app = Starlette(routes=[Route("/track/v2.2/{call}", answer, methods=["POST"])])
    async with serving(app, listening_socket(0)) as base_url, a_tracker(base_url, "key") as tracker:
        yield tracker


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, "a page"),
        (200, {}),
        (200, {"code": -18010003, "data": {}}),
        (200, {"code": -1, "data": {}}),
        (400, {"code": 0, "data": {"accepted": [], "rejected": []}}),
        (503, {"code": 0, "data": {}}),
    ],
)
async def test_an_answer_that_says_nothing_is_asked_for_again(status: int, content: Any) -> None:
    async with answering((status, content)) as tracker:
        with pytest.raises(CarrierUnavailable):
            await tracker.track([TrackingRef(CHINESE)])


async def test_how_long_to_wait_is_theirs_to_say() -> None:
    async with answering((429, {})) as tracker:
        with pytest.raises(CarrierUnavailable) as slower:
            await tracker.track([TrackingRef(CHINESE)])

    assert slower.value.retry_after_s == 7


async def test_one_parcel_that_cannot_be_read_does_not_spoil_the_others() -> None:
    accepted = [{"number": CHINESE, "track_info": "none"}, {"number": ANOTHER, "track_info": None}, {}]
    async with answering((200, {"code": 0, "data": {"accepted": accepted}})) as tracker:
        answers = await tracker.track([TrackingRef(CHINESE), TrackingRef(ANOTHER)])

    assert (answers[CHINESE], answers[ANOTHER]) == (NotTracked("unreadable"), Told())


async def test_a_list_that_is_refused_for_one_number_is_sent_in_halves_until_only_that_one_is_left() -> None:
    lists: list[list[str]] = []

    def refuse_the_third(body: list[dict[str, str]]) -> dict[str, Any]:
        lists.append([one["number"] for one in body])
        if "n3" in lists[-1]:
            return {"code": -18010013, "data": {"errors": [{"code": -18010013, "message": "?"}]}}
        return {"code": 0, "data": {"accepted": [{"number": one} for one in lists[-1]]}}

    async with answering((200, refuse_the_third)) as tracker:
        answers = await tracker.track([TrackingRef(f"n{n}") for n in range(8)])

    assert answers == {f"n{n}": NotTracked("-18010013") if n == 3 else Told() for n in range(8)}
    assert len(lists) == 7
