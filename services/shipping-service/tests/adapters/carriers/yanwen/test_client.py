"""The gateway and the tracker against a real server that checks signatures, keeps books and misbehaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_sandbox.yanwen.app import YanwenOptions, YanwenSandbox, running_yanwen
from shipping_service.adapters.carriers.yanwen import CARRIER
from shipping_service.adapters.carriers.yanwen.client import YanwenGateway
from shipping_service.adapters.carriers.yanwen.tests.examples import (
    API_TOKEN,
    CURITIBA,
    MERCHANT,
    ORDER_NUMBER,
    USER_ID,
    a_request,
    the_settings,
)
from shipping_service.adapters.carriers.yanwen.tracker import YanwenTracker
from shipping_service.domain.consignment import DocumentKind, VoidOutcome
from shipping_service.domain.tracking import Status
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    LabelPending,
    Prepared,
)
from shipping_service.use_cases.tracking_port import Told, TrackingRef

AGAIN = Prepared(ORDER_NUMBER)  # as after a restart: without an offer


@asynccontextmanager
async def a_sandbox(folder: Path, **delays: float) -> AsyncIterator[YanwenSandbox]:
    options = YanwenOptions(account=f"{USER_ID}:{API_TOKEN}", merchant=MERCHANT, **delays)
    async with running_yanwen(folder, options=options) as running:
        yield running


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[YanwenSandbox]:
    """Labels are there at once, cancels only when a test says so."""
    async with a_sandbox(tmp_path, cancel_delay_s=3600) as running:
        yield running


@pytest.fixture
async def control(sandbox: YanwenSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def gateway(sandbox: YanwenSandbox) -> AsyncIterator[YanwenGateway]:
    async with a_gateway(sandbox.base_url) as opened:
        yield opened


@asynccontextmanager
async def a_gateway(url: str, **settings: Any) -> AsyncIterator[YanwenGateway]:
    gateway = YanwenGateway(the_settings(**{"base_url": url, "timeout_s": 10} | settings))
    try:
        yield gateway
    finally:
        await gateway.close()


async def misbehave(control: httpx.AsyncClient, operation: str, mode: str, **more: Any) -> None:
    rule = {"operation": f"express.order.{operation}", "mode": mode, "times": 1}
    answer = await control.put("/_sandbox/faults", json=[rule | more])
    assert answer.is_success, answer.text


async def rows(control: httpx.AsyncClient, table: str, **filters: str) -> list[dict[str, Any]]:
    answer = await control.get(f"/_sandbox/books/{table}", params=filters)
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


async def change(control: httpx.AsyncClient, **said: Any) -> None:
    (await control.patch(f"/_sandbox/orders/{ORDER_NUMBER}", json=said)).raise_for_status()


# -- the way it should go


async def test_an_order_is_made_under_our_number_by_two_calls(
    sandbox: YanwenSandbox, control: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        *(("USER_ID", USER_ID), ("API_TOKEN", API_TOKEN), ("MERCHANT_NUMBER", MERCHANT)),
        *(("BASE_URL", sandbox.base_url), ("BATTERY_CHANNELS", '["484"]')),
    ):
        monkeypatch.setenv(f"CARRIER_YANWEN_{name}", value)
    assert CARRIER.open_gateway is not None
    gateway = CARRIER.open_gateway()
    request = a_request(service="484")

    prepared = await gateway.prepare(request)
    label = await gateway.buy(request, prepared)
    await gateway.close()

    (order,) = await rows(control, "orders")
    assert prepared.carrier_ref == label.carrier_ref == order["order_number"] == ORDER_NUMBER
    assert (label.carrier, label.service) == ("yanwen", "484")
    assert label.tracking_number == order["waybill_number"]
    assert [(one.kind, one.media_type) for one in label.documents] == [
        (DocumentKind.LABEL, "application/pdf")
    ]
    assert order["request"]["parcelInfo"]["hasBattery"] == 1
    assert [one["operation"] for one in await rows(control, "calls")] == [
        *("express.order.create", "express.order.label.get"),
    ]


async def test_the_last_miles_number_changes_nothing_about_what_was_bought(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    bought = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    await change(control, reference_number="LX556677887BR", status=3)

    assert await gateway.find(a_request(), ORDER_NUMBER) == bought


# -- labels that come later, and what keeps them away


async def test_a_label_that_comes_later_is_waited_for_and_the_order_is_made_once(tmp_path: Path) -> None:
    async with (
        a_sandbox(tmp_path, label_delay_s=3600) as sandbox,
        a_gateway(sandbox.base_url, retry_label_after_s=7) as gateway,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as control,
    ):
        with pytest.raises(LabelPending, match="not made yet") as pending:
            await gateway.buy(a_request(), await gateway.prepare(a_request()))
        with pytest.raises(LabelPending):
            await gateway.buy(a_request(), AGAIN)
        with pytest.raises(LabelPending):
            await gateway.find(a_request(), ORDER_NUMBER)
        await change(control, label_ready=True)

        assert (await gateway.buy(a_request(), AGAIN)).tracking_number
        assert pending.value.retry_after_s == 7
        assert len(await rows(control, "calls", operation="express.order.create")) == 1


async def test_whatever_keeps_the_label_of_an_order_away_it_is_waited_for(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())
    for mode in ("error_500", "throttle", "refuse", "do_then_drop_connection"):
        await misbehave(control, "label.get", mode)
        with pytest.raises(LabelPending):
            await gateway.buy(a_request(), prepared)
        prepared = AGAIN

    assert (await gateway.buy(a_request(), AGAIN)).tracking_number
    assert len(await rows(control, "orders")) == 1


# -- exactly once


async def test_creating_an_order_again_gives_the_one_there_is(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())

    labels = [await gateway.buy(a_request(), prepared) for _ in range(2)]

    assert labels[0] == labels[1]
    assert len(await rows(control, "orders")) == 1


async def test_a_refusal_that_may_be_a_duplicates_is_believed_only_after_a_look(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())
    await gateway.buy(a_request(), prepared)

    for mode in ("error_500", "throttle", "refuse"):
        await misbehave(control, "getlist", mode)
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), prepared)


async def test_a_question_that_is_refused_proves_nothing(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    for asked in (gateway.find(a_request(), ORDER_NUMBER), gateway.buy(a_request(), AGAIN)):
        await misbehave(control, "getlist", "refuse")
        with pytest.raises(CarrierOutcomeUnknown):
            await asked

    assert await rows(control, "orders") == []


async def test_a_question_without_an_answer_is_asked_again_later(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "getlist", "error_500")

    with pytest.raises(CarrierUnavailable):
        await gateway.find(a_request(), ORDER_NUMBER)


# -- refusals


async def test_a_refused_address_keeps_their_words_apart(
    sandbox: YanwenSandbox, gateway: YanwenGateway
) -> None:
    request = a_request(ship_to=replace(CURITIBA, lines=("1 Refuse Address Rd",)))

    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(request, await gateway.prepare(request))

    assert refused.value.code == "1001"
    assert "Refuse Address" not in repr(refused.value)
    assert "Refuse Address" in (refused.value.words or "")


@pytest.mark.parametrize("wrong", [{"api_token": SecretStr("guessed")}, {"user_id": "100001"}])
async def test_a_wrong_account_is_no_parcels_fault(wrong: dict[str, Any], sandbox: YanwenSandbox) -> None:
    async with a_gateway(sandbox.base_url, **wrong) as gateway:
        with pytest.raises(CarrierMisconfigured, match="CARRIER_YANWEN_USER_ID"):
            await gateway.find(a_request(), None)


# -- taking back


async def test_a_cancel_is_confirmed_later_by_the_orders_state(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))

    asked = [await gateway.void(one) for one in (label.carrier_ref, label.tracking_number)]
    waiting = await gateway.void_state(label.carrier_ref)
    await change(control, status=5)

    assert (*asked, waiting) == (VoidOutcome.SUBMITTED,) * 3
    assert await gateway.void_state(label.carrier_ref) is VoidOutcome.VOIDED
    assert await gateway.void(label.carrier_ref) is VoidOutcome.VOIDED
    for again in (gateway.find(a_request(), ORDER_NUMBER), gateway.buy(a_request(), AGAIN)):
        with pytest.raises(CarrierRejected, match="order_cancelled_at_yanwen"):
            await again


async def test_a_parcel_that_came_to_the_warehouse_first_is_not_taken_back(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    await gateway.void(label.carrier_ref)
    await change(control, status=2)

    assert await gateway.void_state(label.carrier_ref) is VoidOutcome.REJECTED
    assert await gateway.void(label.carrier_ref) is VoidOutcome.REJECTED


async def test_a_cancel_that_is_refused_is_rejected_and_a_lost_one_is_asked_for_again(
    gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    for mode in ("error_500", "throttle", "do_then_drop_connection"):
        await misbehave(control, "cancel", mode)
        with pytest.raises(CarrierUnavailable):
            await gateway.void(label.carrier_ref)
    await misbehave(control, "cancel", "refuse")

    assert await gateway.void(label.carrier_ref) is VoidOutcome.REJECTED
    assert await gateway.void(label.carrier_ref) is VoidOutcome.SUBMITTED
    with pytest.raises(CarrierRejected):
        await gateway.void("nobody-knows-it")


# -- tracking


async def test_parcels_are_asked_about_together_by_their_waybill_numbers(
    sandbox: YanwenSandbox, gateway: YanwenGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    for code in ("PU10", "LM40"):
        (await control.post(f"/_sandbox/orders/{ORDER_NUMBER}/scan", json={"code": code})).raise_for_status()
    refs = [TrackingRef(label.tracking_number), TrackingRef("UF000000000YP")]

    tracker = YanwenTracker(the_settings(tracking_url=sandbox.base_url))
    told = await tracker.track(refs)
    await tracker.close()

    assert set(told) == {label.tracking_number}
    answer = told[label.tracking_number]
    assert isinstance(answer, Told)
    assert [one.meaning.status for one in answer.scans] == [Status.ACCEPTED, Status.DELIVERED]
    assert len(await rows(control, "calls", operation="tracking")) == 1


async def test_the_order_apis_token_opens_no_tracking(sandbox: YanwenSandbox) -> None:
    tracker = YanwenTracker(the_settings(tracking_url=sandbox.base_url, merchant_number=SecretStr(API_TOKEN)))
    with pytest.raises(CarrierMisconfigured, match="MERCHANT_NUMBER"):
        await tracker.track([TrackingRef("UF000000001YP")])
    await tracker.close()
