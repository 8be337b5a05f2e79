"""DHL Express's tracking, as a stranger sees it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.dhl_express.app import running_dhl_express

from .test_dhl_express import sell

NOON = "2026-06-10T12:00:00+08:00"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running_dhl_express(tmp_path) as sandbox:
        login = httpx.BasicAuth(*sandbox.login.split(":"))
        async with httpx.AsyncClient(
            base_url=sandbox.base_url, auth=login, headers={"x-version": "3.1.0"}, trust_env=False
        ) as client:
            yield client


async def scan(api: httpx.AsyncClient, number: str, code: str, **more: Any) -> None:
    body = {"type_code": code, **more}
    (await api.post(f"/_sandbox/shipments/{number}/scan", json=body)).raise_for_status()


async def track(api: httpx.AsyncClient, *numbers: str, **query: str) -> httpx.Response:
    given = {"shipmentTrackingNumber": ",".join(numbers), "requestGMTOffsetPerEvent": "true", **query}
    return await api.get("/mydhlapi/tracking", params=given)


async def test_scans_are_told_by_their_time_with_the_offset_they_happened_at(
    api: httpx.AsyncClient,
) -> None:
    number = (await sell(api))["shipmentTrackingNumber"]
    await scan(api, number, "OK", at="2026-06-12T10:00:00+02:00", copies=2)
    await scan(api, number, "PU", at=NOON, place="Shenzhen", country="CN")

    (shipment,) = (await track(api, number)).json()["shipments"]

    assert [one["typeCode"] for one in shipment["events"]] == ["PU", "OK", "OK"]
    first = shipment["events"][0]
    assert (first["date"], first["time"], first["GMTOffset"]) == ("2026-06-10", "12:00:00", "+08:00")
    assert first["serviceArea"] == [{"code": "SHE", "description": "Shenzhen-CN"}]


async def test_without_being_asked_for_offsets_are_left_out(api: httpx.AsyncClient) -> None:
    number = (await sell(api))["shipmentTrackingNumber"]
    await scan(api, number, "PU", at=NOON)

    (shipment,) = (await track(api, number, requestGMTOffsetPerEvent="false")).json()["shipments"]

    assert "GMTOffset" not in shipment["events"][0]


async def test_a_withdrawn_event_is_not_told_any_more(api: httpx.AsyncClient) -> None:
    number = (await sell(api))["shipmentTrackingNumber"]
    await scan(api, number, "OK")

    await api.post(f"/_sandbox/shipments/{number}/withdraw", json={"type_code": "OK"})
    again = await api.post(f"/_sandbox/shipments/{number}/withdraw", json={"type_code": "OK"})

    assert (await track(api, number)).json()["shipments"][0]["events"] == []
    assert again.status_code == 404


async def test_a_number_nobody_sold_is_left_out_and_alone_it_is_not_found(
    api: httpx.AsyncClient,
) -> None:
    number = (await sell(api))["shipmentTrackingNumber"]

    both, alone = await track(api, number, "0000000000"), await track(api, "0000000000")

    assert [one["shipmentTrackingNumber"] for one in both.json()["shipments"]] == [number]
    assert (alone.status_code, alone.json()["detail"][:4]) == (404, "7163")


@pytest.mark.parametrize("query", [{"shipmentTrackingNumber": ""}, {"trackingView": "x"}, {"surprise": "1"}])
async def test_a_question_out_of_form_is_refused(
    api: httpx.AsyncClient,
    query: dict[str, str],
) -> None:
    assert (await track(api, "1", **query)).status_code == 400
