"""17TRACK's API as a stranger sees it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.seventeen_track.app import SeventeenTrackOptions, running_seventeen_track

from .conftest import Eventually

NUMBER, USPS_NUMBER = "RR123456785CN", "9400111899223344556677"
KEY = "0123456789ABCDEF0123456789ABCDEF"
OPTIONS = SeventeenTrackOptions(api_key=KEY, quota=3, retry_base_s=0.01, retries=2)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_seventeen_track(tmp_path, options=OPTIONS) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, headers={"17token": KEY}, trust_env=False) as client,
    ):
        yield client


async def call(api: httpx.AsyncClient, name: str, *numbers: Any) -> Any:
    given = [{"number": one} if isinstance(one, str) else one for one in numbers]
    return (await api.post(f"/track/v2.2/{name}", json=given)).json()


def rejections(answer: Any) -> list[tuple[str, int]]:
    return [(one["number"], one["error"]["code"]) for one in answer["data"]["rejected"]]


async def test_numbers_are_registered_for_the_carrier_that_is_named_or_detected(
    api: httpx.AsyncClient,
) -> None:
    answer = await call(api, "register", NUMBER, {"number": "ANY-FORM", "carrier": 190012, "tag": "CD-1"})

    assert answer["code"] == 0
    assert [(one["number"], one["carrier"], one["tag"]) for one in answer["data"]["accepted"]] == [
        (NUMBER, 3011, None),
        ("ANY-FORM", 190012, "CD-1"),
    ]


async def test_what_cannot_be_registered_is_rejected_beside_the_others(api: httpx.AsyncClient) -> None:
    answer = await call(
        api,
        "register",
        NUMBER,
        NUMBER,
        "RR123456780CN",  # a wrong check digit
        "x",
        {"number": USPS_NUMBER, "surprise": 1},
        {"number": USPS_NUMBER, "auto_detection": False},
    )

    assert len(answer["data"]["accepted"]) == 1
    assert [code for _, code in rejections(answer)] == [
        *(-18019901, -18019903, -18010012, -18010012, -18019903),
    ]


async def test_a_credit_is_used_for_good_and_without_one_nothing_is_registered(
    api: httpx.AsyncClient,
) -> None:
    await call(api, "register", NUMBER, USPS_NUMBER)
    await call(api, "deletetrack", NUMBER)
    await call(api, "register", NUMBER)

    refused = await call(api, "register", "1Z999AA10123456784")

    assert rejections(refused) == [("1Z999AA10123456784", -18019908)]
    quota = (await api.post("/track/v2.2/getquota")).json()["data"]
    assert quota == {"quota_total": 3, "quota_used": 3, "quota_remain": 0}


async def test_a_number_is_told_by_all_its_carriers_the_newest_event_first(api: httpx.AsyncClient) -> None:
    await call(api, "register", NUMBER, USPS_NUMBER)
    for scan in (
        {"sub_status": "InTransit_PickedUp", "at": "2026-06-10T10:00:00+08:00", "country": "CN"},
        {"sub_status": "Delivered_Other", "at": "2026-06-20T10:00:00+02:00", "provider": 19051},
        {"sub_status": "InTransit_Arrival", "at": "2026-06-18T10:00:00+02:00", "provider": 19051},
    ):
        (await api.post(f"/_sandbox/numbers/{NUMBER}/events", json=scan)).raise_for_status()

    answer = await call(api, "gettrackinfo", NUMBER, USPS_NUMBER, "RR000000005CN")

    (told,) = answer["data"]["accepted"]
    info = told["track_info"]
    lists = [
        (one["provider"]["key"], [event["sub_status"] for event in one["events"]])
        for one in info["tracking"]["providers"]
    ]
    assert lists == [(3011, ["InTransit_PickedUp"]), (19051, ["Delivered_Other", "InTransit_Arrival"])]
    assert info["latest_status"] == {
        "status": "Delivered",
        "sub_status": "Delivered_Other",
        "sub_status_descr": None,
    }
    assert info["misc_info"]["local_key"] == 19051
    assert info["latest_event"]["time_utc"] == "2026-06-20T08:00:00Z"
    assert rejections(answer) == [(USPS_NUMBER, -18019909), ("RR000000005CN", -18019902)]


async def test_a_stopped_number_is_tracked_again_once(api: httpx.AsyncClient) -> None:
    await call(api, "register", NUMBER)

    codes = [
        [code for _, code in rejections(await call(api, name, NUMBER))]
        for name in ("retrack", "stoptrack", "stoptrack", "retrack", "stoptrack", "retrack")
    ]

    assert codes == [[-18019904], [], [-18019906], [], [], [-18019905]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -18010013),
        (b"[]", -18010013),
        (b'{"number": "RR123456785CN"}', -18010013),
        (b"[" + b",".join([b'{"number": "RR123456785CN"}'] * 41) + b"]", -18010014),
    ],
)
async def test_a_call_out_of_form_is_refused_as_a_whole(
    api: httpx.AsyncClient, body: bytes, code: int
) -> None:
    answer = await api.post("/track/v2.2/register", content=body)

    assert (answer.status_code, answer.json()["code"]) == (200, code)


async def test_without_the_key_nothing_is_said(api: httpx.AsyncClient) -> None:
    answer = await api.post("/track/v2.2/register", json=[{"number": NUMBER}], headers={"17token": "guessed"})

    assert (answer.status_code, answer.json()["code"]) == (401, -18010002)
    assert (await api.get("/_sandbox/books")).json()["counts"]["numbers"] == 0


async def test_who_calls_too_often_in_a_second_is_told_so(tmp_path: Path) -> None:
    options = SeventeenTrackOptions(calls_per_s=2)
    async with (
        running_seventeen_track(tmp_path, options=options) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, headers={"17token": sandbox.api_key}) as client,
    ):
        statuses = [(await client.post("/track/v2.2/getquota")).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_a_push_is_signed_and_tried_again_until_it_is_taken(
    api: httpx.AsyncClient, eventually: Eventually
) -> None:
    await call(api, "register", NUMBER)
    async with receiving(Receiver(statuses=[500, 503])) as receiver:
        await api.put("/_sandbox/webhook", json={"url": receiver.url})
        await api.post(f"/_sandbox/numbers/{NUMBER}/events", json={"sub_status": "InTransit_Other"})

        async def settled() -> bool:
            return bool((await api.get("/_sandbox/deliveries")).json()["delivered"])

        await eventually(settled)

    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1
    expected = hashlib.sha256(receiver.bodies[0] + b"/" + KEY.encode()).hexdigest()
    assert {one["sign"] for one in receiver.headers} == {expected}


async def test_a_number_that_is_stopped_says_so_and_is_not_pushed_any_more(
    api: httpx.AsyncClient, eventually: Eventually
) -> None:
    await call(api, "register", NUMBER)
    async with receiving(Receiver()) as receiver:
        await api.put("/_sandbox/webhook", json={"url": receiver.url})
        await api.post(f"/_sandbox/numbers/{NUMBER}/stop")
        silent = await api.post(f"/_sandbox/numbers/{NUMBER}/events", json={"sub_status": "InTransit_Other"})

        async def settled() -> bool:
            return bool(receiver.bodies)

        await eventually(settled)

    assert silent.json()["deliveries"] == []
    assert b'"event":"TRACKING_STOPPED"' in receiver.bodies[0]


async def test_nothing_happens_to_a_number_that_nobody_registered(api: httpx.AsyncClient) -> None:
    answer = await api.post(f"/_sandbox/numbers/{NUMBER}/events", json={"sub_status": "InTransit_Other"})

    assert answer.status_code == 404
